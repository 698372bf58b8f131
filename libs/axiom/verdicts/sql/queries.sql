-- keep: the newest verdict on a store
INSERT INTO verify_verdicts AS held (store, found_at, equal, differing, offsets, digests)
VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb)
ON CONFLICT (store) DO UPDATE SET found_at = excluded.found_at, equal = excluded.equal,
    differing = excluded.differing, offsets = excluded.offsets, digests = excluded.digests
WHERE excluded.found_at >= held.found_at

-- all: the verdicts that there are
SELECT store, found_at, equal, differing, offsets::text, digests::text FROM verify_verdicts ORDER BY store
