-- What a provider said that a key may do. Finding out costs calls, so restarts must not.
CREATE TABLE quota_key_facts (
    provider    text        NOT NULL,
    key_hash    text        NOT NULL,
    endpoint    text        NOT NULL,
    allowed     boolean     NOT NULL,
    told        text        NOT NULL,
    seen_at     timestamptz NOT NULL,
    PRIMARY KEY (provider, key_hash, endpoint)
);
