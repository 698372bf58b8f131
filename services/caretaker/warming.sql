-- there: whether postgres-sink has made its tables
SELECT to_regclass('market.price_bars') IS NOT NULL AND to_regclass('market.current_mutations') IS NOT NULL AS there

-- tier_1: the largest members, if tiers were ever made
SELECT symbol FROM control.tier_members WHERE tier = 1 ORDER BY rank LIMIT $1

-- has_tiers: whether there are tables of tiers
SELECT to_regclass('control.tier_members') IS NOT NULL AS there

-- bars: a year of a symbol's daily bars
SELECT ts, close, volume FROM market.price_bars
WHERE symbol = $1 AND "interval" = '1d' AND ts >= $2::timestamptz - interval '366 days' AND ts <= $2 ORDER BY ts

-- said: what is current of a symbol, and what was last said of it
SELECT (SELECT name FROM market.current_fundamentals WHERE symbol = $1),
       (SELECT count(*) FROM (SELECT FROM market.market_events WHERE symbols @> ARRAY[$1::text]
                              ORDER BY published_at DESC LIMIT 20) AS newest),
       (SELECT count(*) FROM market.current_correlations WHERE symbol_a = $1 OR symbol_b = $1),
       (SELECT count(*) FROM market.graph_mutations WHERE object = $1)
