-- there: whether postgres-sink has made the tables
SELECT to_regclass('price_bars') IS NOT NULL AND to_regclass('technical_signals') IS NOT NULL AS there

-- symbols: which have daily bars from $1 until before $2
SELECT DISTINCT symbol COLLATE "C" AS symbol FROM price_bars
WHERE "interval" = '1d' AND ts >= $1 AND ts < $2 ORDER BY 1

-- daily_bars: the daily bars of some symbols from $2 until before $3, in columns of fixed width; no NULLs
SELECT wanted.number::integer - 1, (extract(epoch FROM bars.ts) / 86400)::integer, bars.open, bars.high,
       bars.low, bars.close, bars.volume, coalesce(bars.split_ratio, 'NaN')
FROM unnest($1::text[]) WITH ORDINALITY AS wanted(symbol, number)
JOIN price_bars AS bars USING (symbol)
WHERE bars."interval" = '1d' AND bars.ts >= $2::timestamptz AND bars.ts < $3::timestamptz

-- correlations: what was last said of each pair over a window, as of a moment before $2
SELECT DISTINCT ON (symbol_a, symbol_b) symbol_a, symbol_b, as_of, change, r, n, p_value
FROM correlation_updates WHERE "window" = $1 AND as_of < $2
ORDER BY symbol_a, symbol_b, as_of DESC, computed_at DESC, content_hash DESC

-- correlations_at: what was said of each pair over a window as of one moment
SELECT symbol_a, symbol_b, as_of, change, r, n, p_value FROM correlation_updates
WHERE "window" = $1 AND as_of = $2

-- signals_at: what is published of the bars of an interval that start at one moment
SELECT symbol, indicator, value, signal, lower, upper FROM technical_signals WHERE "interval" = $1 AND ts = $2

-- recent_events: what was published in a stretch of time
SELECT event_id, title, severity, published_at, fetched_at FROM market_events
WHERE published_at >= $1 AND published_at < $2 ORDER BY published_at, event_id

-- affects: of some events the companies that they affect, and how
SELECT subject, object, sentiment_score, confidence FROM current_mutations
WHERE kind = 'affects' AND subject = ANY($1::text[]) AND sentiment_score IS NOT NULL ORDER BY subject, object

-- relations: between companies, as they stand now
SELECT kind, subject, object, confidence FROM current_mutations
WHERE kind IN ('supplies', 'competes-with') ORDER BY kind, subject, object

-- correlated: the correlations that hold, of each pair the strongest window's; of sessions alone, not of an hour
SELECT DISTINCT ON (symbol_a, symbol_b) symbol_a, symbol_b, r FROM current_correlations
WHERE change <> 'gone' AND "window" ~ '^[0-9]+d' ORDER BY symbol_a, symbol_b, abs(r) DESC, "window"

-- exposes: of some events what is published of whom they reach
SELECT subject, object, sentiment_score, explanation FROM current_mutations
WHERE kind = 'exposes' AND subject = ANY($1::text[])

-- newest_bars: of each symbol since $1 the start of its newest daily bar and of its newest shorter one
SELECT symbol, max(ts) FILTER (WHERE "interval" = '1d') AS day, max(ts) FILTER (WHERE "interval" <> '1d') AS moment
FROM price_bars WHERE ts >= $1 GROUP BY symbol
