-- Bars as traded, one row for each symbol, interval and start; the newest fetch of a bar wins.
CREATE TABLE price_bars (
    symbol         text NOT NULL,
    "interval"     text NOT NULL,
    ts             timestamptz NOT NULL,
    open           double precision NOT NULL,
    high           double precision NOT NULL,
    low            double precision NOT NULL,
    close          double precision NOT NULL,
    volume         double precision NOT NULL,
    split_ratio    double precision,
    fetched_at     timestamptz NOT NULL,
    source         text NOT NULL,
    source_reason  text,
    content_hash   bigint NOT NULL,
    PRIMARY KEY (symbol, "interval", ts)
) PARTITION BY RANGE (ts);

-- Makes the partition of a month where it is missing; a partition's name is price_bars_YYYY_MM (UTC).
-- The lock lets one maker at a time through, so that two members never make the same one.
CREATE FUNCTION ensure_price_bars_month(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := format('price_bars_%s', to_char(month, 'YYYY_MM'));
BEGIN
    IF to_regclass(name) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('price_bars months'));
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS %I PARTITION OF price_bars FOR VALUES FROM (%L) TO (%L)',
            name, to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
            to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
        );
    END IF;
END $$;
