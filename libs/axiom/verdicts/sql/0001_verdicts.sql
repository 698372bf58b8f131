-- Of each store what the last comparison with the log found.
CREATE TABLE verify_verdicts (
    store      text PRIMARY KEY,
    found_at   timestamptz NOT NULL,
    equal      boolean NOT NULL,
    differing  bigint NOT NULL,
    offsets    jsonb NOT NULL,
    digests    jsonb NOT NULL
);
