-- forget_symbols: the symbols' standings, which follow anew
DELETE FROM quality_symbols

-- note_symbols: each symbol's standing
INSERT INTO quality_symbols (symbol, tier, checked_for, last_day, sessions_behind, missing, spikes, jumps,
                             inconsistent, declared_splits, suspected_splits)
SELECT symbol, tier, $1, last_day, sessions_behind, missing, spikes, jumps, inconsistent, declared_splits,
       suspected_splits
FROM unnest($2::text[], $3::smallint[], $4::date[], $5::int[], $6::double precision[], $7::int[], $8::int[],
            $9::int[], $10::int[], $11::int[])
     AS given (symbol, tier, last_day, sessions_behind, missing, spikes, jumps, inconsistent, declared_splits,
               suspected_splits)

-- forget_anomalies: those from a day on, which follow anew
DELETE FROM quality_anomalies WHERE day >= $1

-- note_anomalies: the bars that stand out
INSERT INTO quality_anomalies (symbol, day, kind, move, z)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::double precision[], $5::double precision[])

-- note_tiers: each tier on a session, out of the symbols' standings
INSERT INTO quality_tiers AS held
SELECT $1, tier, count(*), count(*) FILTER (WHERE last_day IS NULL), count(*) FILTER (WHERE sessions_behind > 0),
       avg(missing), sum(spikes), sum(jumps), sum(inconsistent), sum(suspected_splits)
FROM quality_symbols GROUP BY tier
ON CONFLICT (checked_for, tier) DO UPDATE SET
    symbols = excluded.symbols, absent = excluded.absent, stale = excluded.stale, missing = excluded.missing,
    spikes = excluded.spikes, jumps = excluded.jumps, inconsistent = excluded.inconsistent,
    suspected_splits = excluded.suspected_splits

-- newest_tiers: each tier at the last check
SELECT * FROM quality_tiers WHERE checked_for = (SELECT max(checked_for) FROM quality_tiers) ORDER BY tier

-- worst_symbols: of a tier, or of all, those that are furthest behind, then those with most gaps and anomalies
SELECT * FROM quality_symbols WHERE $1::smallint IS NULL OR tier = $1
ORDER BY sessions_behind DESC NULLS FIRST, missing DESC, spikes + jumps + inconsistent DESC, symbol LIMIT $2

-- of_symbol: one symbol's standing
SELECT * FROM quality_symbols WHERE symbol = $1

-- anomalies_of: the bars of a symbol that stand out, the newest first
SELECT day, kind, move, z FROM quality_anomalies WHERE symbol = $1 ORDER BY day DESC, kind
