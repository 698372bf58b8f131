-- How each symbol's daily bars stood at the last check; `tier` is 0 for a symbol that is in none.
CREATE TABLE quality_symbols (
    symbol            text              PRIMARY KEY,
    tier              smallint          NOT NULL,
    checked_for       date              NOT NULL,
    last_day          date,
    sessions_behind   integer,
    missing           double precision  NOT NULL,
    spikes            integer           NOT NULL,
    jumps             integer           NOT NULL,
    inconsistent      integer           NOT NULL,
    declared_splits   integer           NOT NULL,
    suspected_splits  integer           NOT NULL
);
CREATE INDEX quality_symbols_by_tier ON quality_symbols (tier);

-- Bars that stand out: as last seen, within the days that a check looks at.
CREATE TABLE quality_anomalies (
    symbol  text              NOT NULL,
    day     date              NOT NULL,
    kind    text              NOT NULL,
    move    double precision  NOT NULL,
    z       double precision  NOT NULL,
    PRIMARY KEY (symbol, day, kind)
);

-- Each tier on each session: the history of the above.
CREATE TABLE quality_tiers (
    checked_for       date              NOT NULL,
    tier              smallint          NOT NULL,
    symbols           integer           NOT NULL,
    absent            integer           NOT NULL,
    stale             integer           NOT NULL,
    missing           double precision  NOT NULL,
    spikes            integer           NOT NULL,
    jumps             integer           NOT NULL,
    inconsistent      integer           NOT NULL,
    suspected_splits  integer           NOT NULL,
    PRIMARY KEY (checked_for, tier)
);
