-- Which tier a symbol is in. `universe` is the version of the list that it was computed from.
CREATE TABLE tier_members (
    symbol      text        PRIMARY KEY,
    tier        smallint    NOT NULL,
    rank        integer     NOT NULL,
    universe    text        NOT NULL,
    since       timestamptz NOT NULL
);
CREATE INDEX tier_members_by_tier ON tier_members (tier, rank);

-- What was got of a symbol. `through`: no trading before it is missing; `turn_at`: when it was last asked about by
-- itself; `traded_usd`: dollars that change hands on a day, a moving mean.
CREATE TABLE tier_prices (
    symbol      text        PRIMARY KEY,
    through     timestamptz NOT NULL,
    asked_at    timestamptz NOT NULL,
    turn_at     timestamptz,
    source      text        NOT NULL,
    traded_usd  double precision
);
