-- there: whether postgres-sink has made its tables
SELECT to_regclass('market.price_bars') IS NOT NULL AND to_regclass('market.technical_signals') IS NOT NULL AS there

-- bars: bars of a day by interval and source
SELECT "interval", source, count(*) AS bars, count(DISTINCT symbol) AS symbols FROM market.price_bars
WHERE ts >= $1::date AND ts < $1::date + 1 GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2

-- coverage: of each tier, and of what has had bars within a month, how many symbols have a daily bar of the day
WITH known AS (
    SELECT symbol, bool_or(ts >= $1::date) AS has_it FROM market.price_bars
    WHERE "interval" = '1d' AND ts >= $1::date - 30 AND ts < $1::date + 1 GROUP BY symbol
)
SELECT 'tier ' || tier AS part, count(*) AS symbols, count(*) FILTER (WHERE has_it) AS covered
FROM control.tier_members LEFT JOIN known USING (symbol) GROUP BY tier
UNION ALL
SELECT 'watch list', count(*), count(*) FILTER (WHERE has_it)
FROM unnest($2::text[]) AS watched (symbol) LEFT JOIN known USING (symbol)
UNION ALL
SELECT 'with bars in 30 days', count(*), count(*) FILTER (WHERE has_it) FROM known
ORDER BY part

-- covered_days: how many symbols have a daily bar, day by day
SELECT (ts AT TIME ZONE 'UTC')::date AS day, count(DISTINCT symbol) AS symbols FROM market.price_bars
WHERE "interval" = '1d' AND ts >= $1::date - $2::int AND ts < $1::date + 1 GROUP BY 1 ORDER BY 1

-- arrived: what else arrived on the day
SELECT 'news' AS what, count(*) AS records FROM market.market_events
WHERE published_at >= $1::date AND published_at < $1::date + 1
UNION ALL
SELECT 'fundamentals', count(*) FROM market.company_fundamentals WHERE fetched_at >= $1::date AND fetched_at < $1::date + 1
UNION ALL
SELECT 'statements about the graph', count(*) FROM market.graph_mutations
WHERE ingested_at >= $1::date AND ingested_at < $1::date + 1
UNION ALL
SELECT 'technical signals', count(*) FROM market.technical_signals WHERE ts >= $1::date AND ts < $1::date + 1

-- quality: the tiers at the last check up to the day
SELECT * FROM control.quality_tiers
WHERE checked_for = (SELECT max(checked_for) FROM control.quality_tiers WHERE checked_for <= $1::date) ORDER BY tier

-- anomalies: the bars of the last days that stand out the most
SELECT symbol, day, kind, move, z FROM control.quality_anomalies
WHERE day > $1::date - 7 AND day <= $1::date ORDER BY day DESC, abs(z) DESC, symbol, kind LIMIT $2

-- movers: of each symbol the change to the session before, splits taken out
SELECT symbol, change, close FROM (
    SELECT now.symbol, now.close, now.close * coalesce(now.split_ratio, 1) / before.close - 1 AS change
    FROM market.price_bars AS now
    CROSS JOIN LATERAL (
        SELECT close FROM market.price_bars
        WHERE symbol = now.symbol AND "interval" = '1d' AND ts < now.ts AND ts >= now.ts - interval '7 days'
        ORDER BY ts DESC LIMIT 1
    ) AS before
    WHERE now."interval" = '1d' AND now.ts >= $1::date AND now.ts < $1::date + 1 AND before.close > 0
) AS moved ORDER BY change DESC, symbol

-- new_edges: what the graph was first told on the day, by kind of statement
SELECT kind, subject, object, max(confidence) AS confidence, min(method) AS method FROM market.graph_mutations AS told
WHERE object IS NOT NULL AND kind = ANY($2::text[]) AND ingested_at >= $1::date AND ingested_at < $1::date + 1
    AND NOT EXISTS (
        SELECT FROM market.graph_mutations AS earlier
        WHERE earlier.subject = told.subject AND earlier.object = told.object AND earlier.kind = told.kind
            AND earlier.ingested_at < $1::date
    )
GROUP BY kind, subject, object ORDER BY kind, confidence DESC, subject, object

-- titles: of events
SELECT event_id, title FROM market.market_events WHERE event_id = ANY($1::text[])

-- correlations: edges that came, changed or went as of the day
SELECT "window", change, count(*) AS edges FROM market.correlation_updates
WHERE as_of >= $1::date AND as_of < $1::date + 1 GROUP BY 1, 2 ORDER BY 1, 2

-- strongest: the strongest correlations that are new as of the day
SELECT symbol_a, symbol_b, "window", r, n FROM market.correlation_updates
WHERE change = 'new' AND as_of >= $1::date AND as_of < $1::date + 1 ORDER BY abs(r) DESC, symbol_a, symbol_b LIMIT $2

-- paid: what was paid for reading from a day up to another, by day, pipeline, model and outcome
SELECT (started_at AT TIME ZONE 'UTC')::date AS day, pipeline, model, outcome, count(*) AS calls,
    sum(input_tokens + cached_tokens + cache_write_tokens)::bigint AS input_tokens,
    sum(output_tokens)::bigint AS output_tokens, sum(cost_usd) AS cost_usd
FROM control.llm_calls WHERE started_at >= $1::date AND started_at < $2::date + 1
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4

-- period: what a day or a month has cost
SELECT coalesce(sum(settled_usd), 0) AS settled_usd FROM control.llm_periods WHERE period = $1

-- calls: calls to providers from a day up to another, by provider, day and purpose
SELECT provider, day, purpose, calls FROM control.quota_days
WHERE day >= $1::date AND day <= $2::date ORDER BY provider, day, purpose

-- blocked: providers that have said that a limit is reached
SELECT provider, blocked_until, block_reason FROM control.quota_providers WHERE blocked_until IS NOT NULL ORDER BY provider

-- ticks: how the day's ticks ended
SELECT job, coalesce(outcome, 'not over') AS outcome, count(*) AS ticks FROM control.job_ticks
WHERE nominal_at >= $1::date AND nominal_at < $1::date + 1 GROUP BY 1, 2 ORDER BY 1, 2
