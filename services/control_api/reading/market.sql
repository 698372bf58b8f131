-- bars: bars of one symbol and interval in a range of time, newest first
SELECT ts, open, high, low, close, volume, split_ratio, fetched_at, source FROM price_bars
WHERE symbol = $1 AND "interval" = $2 AND ts >= $3 AND ts < $4 ORDER BY ts DESC LIMIT $5
