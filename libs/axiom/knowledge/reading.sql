-- there: whether the tables are there
SELECT to_regclass('graph_mutations') IS NOT NULL AS there

-- statements: every statement of one target, the newest (which counts) first
SELECT * FROM graph_mutations WHERE kind = $1 AND subject = $2 AND object = $3 ORDER BY version DESC

-- events: the events of some ids
SELECT event_id, title, url, publisher, source, published_at FROM market_events WHERE event_id = ANY($1::text[])

-- correlations: what was measured of a pair, the newest first
SELECT "window", method, as_of, computed_at, change, r, n, p_value FROM correlation_updates
WHERE symbol_a = $1 AND symbol_b = $2 ORDER BY as_of DESC, computed_at DESC, content_hash DESC LIMIT 50
