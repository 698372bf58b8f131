-- spend: take one call; see the function
SELECT * FROM quota_spend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- block: the provider says that its limit is reached
SELECT quota_block($1, $2, $3, $4)

-- usage: calls in each window, and in the present day
SELECT (SELECT array_agg((SELECT count(*) FROM quota_calls WHERE provider = $1
                             AND spent_at > coalesce($2::timestamptz, clock_timestamp()) - make_interval(secs => length))
                         ORDER BY place)
          FROM unnest($3::double precision[]) WITH ORDINALITY AS windows (length, place)) AS spent,
       quota_today($1, date_trunc('day', coalesce($2::timestamptz, clock_timestamp()) AT TIME ZONE $4) AT TIME ZONE $4,
                   $4, $5) AS today

-- days: calls by provider, day and purpose, from a day on
SELECT provider, day, purpose, calls FROM quota_days WHERE day >= $1 ORDER BY provider, day, purpose

-- keep_fact: what a key may do
INSERT INTO quota_key_facts (provider, key_hash, endpoint, allowed, told, seen_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (provider, key_hash, endpoint)
DO UPDATE SET allowed = excluded.allowed, told = excluded.told, seen_at = excluded.seen_at

-- facts: what is known of a key, no older than a moment
SELECT endpoint, allowed FROM quota_key_facts WHERE provider = $1 AND key_hash = $2 AND seen_at >= $3
