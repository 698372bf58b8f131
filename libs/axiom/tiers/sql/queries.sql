-- changed: how many members a new assignment moves, adds or drops
SELECT count(*)::int AS changed
  FROM unnest($1::text[], $2::smallint[]) AS given (symbol, tier) FULL JOIN tier_members AS held USING (symbol)
 WHERE given.tier IS DISTINCT FROM held.tier

-- drop: members that the new assignment has not
DELETE FROM tier_members WHERE symbol <> ALL($1::text[])

-- assign: every member's place
INSERT INTO tier_members AS held (symbol, tier, rank, universe, since)
SELECT symbol, tier, rank, $4, $5 FROM unnest($1::text[], $2::smallint[], $3::int[]) AS given (symbol, tier, rank)
ON CONFLICT (symbol) DO UPDATE SET tier = excluded.tier, rank = excluded.rank, universe = excluded.universe,
    since = CASE WHEN held.tier = excluded.tier THEN held.since ELSE excluded.since END

-- standings: members of one tier, or of all, by rank
SELECT symbol, tier, rank, through, asked_at, source FROM tier_members LEFT JOIN tier_prices USING (symbol)
 WHERE $1::smallint IS NULL OR tier = $1 ORDER BY rank

-- due: members that were not asked about since a moment, whose turn is longest ago first
SELECT symbol FROM tier_members LEFT JOIN tier_prices USING (symbol)
 WHERE tier = $1 AND (turn_at IS NULL OR turn_at < $2) ORDER BY turn_at NULLS FIRST, rank LIMIT $3

-- asked_since: how many members were asked about since a moment
SELECT count(*)::int AS asked FROM tier_members JOIN tier_prices USING (symbol) WHERE tier = $1 AND turn_at >= $2

-- note: what was got; times only grow
INSERT INTO tier_prices AS held (symbol, through, asked_at, turn_at, source, traded_usd)
SELECT symbol, through, asked_at, CASE WHEN $6 THEN asked_at END, source, traded_usd
  FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::double precision[])
       AS given (symbol, through, asked_at, source, traded_usd) ORDER BY symbol
ON CONFLICT (symbol) DO UPDATE SET
    source = CASE WHEN excluded.through >= held.through THEN excluded.source ELSE held.source END,
    through = greatest(held.through, excluded.through),
    asked_at = greatest(held.asked_at, excluded.asked_at),
    turn_at = greatest(held.turn_at, excluded.turn_at),
    traded_usd = CASE WHEN excluded.traded_usd IS NULL THEN held.traded_usd
                      WHEN held.traded_usd IS NULL THEN excluded.traded_usd
                      ELSE held.traded_usd + 0.1 * (excluded.traded_usd - held.traded_usd) END

-- activity: dollars traded on a usual day
SELECT symbol, traded_usd FROM tier_prices WHERE traded_usd IS NOT NULL
