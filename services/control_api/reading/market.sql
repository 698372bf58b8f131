-- bars: bars of one symbol and interval in a range of time, newest first
SELECT ts, open, high, low, close, volume, split_ratio, fetched_at, source FROM price_bars
WHERE symbol = $1 AND "interval" = $2 AND ts >= $3 AND ts < $4 ORDER BY ts DESC LIMIT $5

-- events: events since $2, of one symbol or (null) of all, that come before a moment and id, newest first
SELECT event_id, kind, title, summary, url, publisher, source, symbols, language, severity, published_at, fetched_at
FROM market_events
WHERE ($1::text IS NULL OR symbols @> ARRAY[$1::text]) AND published_at >= $2
  AND (published_at, event_id) < ($3, $4)
ORDER BY published_at DESC, event_id DESC LIMIT $5

-- event: one event
SELECT event_id, kind, title, summary, url, publisher, source, symbols, language, severity, published_at, fetched_at
FROM market_events WHERE event_id = $1

-- statements_of_event: what was read in an event, newest first
SELECT mutation_id, kind, subject, object, event_type, sentiment, sentiment_score, confidence, evidence, explanation,
       method, model, prompt_version, universe, cost_usd, event_time
FROM graph_mutations WHERE cause = $1 ORDER BY version DESC LIMIT 500
