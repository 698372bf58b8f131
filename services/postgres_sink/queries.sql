-- stage: where COPY puts a batch before the upsert; one for each connection
CREATE TEMP TABLE IF NOT EXISTS price_bars_stage (LIKE price_bars) ON COMMIT DELETE ROWS

-- ensure_months: make the partitions of some months where they are missing
SELECT ensure_price_bars_month(month) FROM unnest($1::date[]) AS month ORDER BY month

-- upsert: the staged bars that are new, or newer than the table's
INSERT INTO price_bars AS held SELECT * FROM price_bars_stage
ON CONFLICT (symbol, "interval", ts) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
    volume = excluded.volume, split_ratio = excluded.split_ratio, fetched_at = excluded.fetched_at,
    source = excluded.source, source_reason = excluded.source_reason, content_hash = excluded.content_hash
WHERE (excluded.fetched_at, excluded.content_hash) > (held.fetched_at, held.content_hash)
