-- What each indicator said of a symbol at a bar; `content_hash` decides between versions of one moment.
CREATE TABLE technical_signals (
    symbol         text NOT NULL,
    indicator      text NOT NULL,
    "interval"     text NOT NULL,
    ts             timestamptz NOT NULL,
    value          double precision NOT NULL,
    signal         double precision,
    lower          double precision,
    upper          double precision,
    computed_at    timestamptz NOT NULL,
    content_hash   bigint NOT NULL,
    PRIMARY KEY (symbol, indicator, "interval", ts)
);
CREATE INDEX technical_signals_by_time ON technical_signals (ts, "interval");

-- Of each symbol and indicator the newest bar's.
CREATE VIEW current_signals AS
SELECT DISTINCT ON (symbol, indicator, "interval") * FROM technical_signals
ORDER BY symbol, indicator, "interval", ts DESC;
