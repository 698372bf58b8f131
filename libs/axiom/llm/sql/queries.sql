-- of_question: the final entry of the event's task unless it is asked again, an answer before anything else, then the
-- newest; else the final entry of the input, if one is named
SELECT record FROM (
    (SELECT record, 1 AS choice FROM llm_calls
      WHERE event_id = $1 AND task = $2 AND is_final AND NOT $4::boolean
      ORDER BY (outcome = 'answered') DESC, finished_at DESC, input_hash, attempt DESC LIMIT 1)
    UNION ALL
    (SELECT record, 2 FROM llm_calls
      WHERE input_hash = $3 AND is_final
      ORDER BY (outcome = 'answered') DESC, attempt LIMIT 1)
) AS found ORDER BY choice LIMIT 1

-- entry: one entry
SELECT record FROM llm_calls WHERE input_hash = $1 AND attempt = $2

-- lock_input: until the transaction's end nobody else writes entries of this input
SELECT pg_advisory_xact_lock(hashtextextended($1, 0))

-- next_attempt: the number of an input's next attempt
SELECT coalesce(max(attempt), 0) + 1 AS attempt FROM llm_calls WHERE input_hash = $1

-- reserve: claim a question, set its worst case aside and keep the draft; see the function
SELECT * FROM llm_begin($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)

-- settle: an entry in place of its reservation; see the function
SELECT llm_settle($1, $2::jsonb) AS settled

-- keep_batch: which batch carries these reservations
UPDATE llm_reservations SET batch_id = $2 WHERE id = ANY($1::bigint[])

-- release: give a reservation back
SELECT llm_release($1) AS released

-- enter: entries that are not there yet; see the function
SELECT llm_enter($1::jsonb, $2) AS entered

-- orphans: calls whose process is gone (nobody holds its lock, and PostgreSQL has been up for long enough that it
-- would hold it again), or that have not ended in their time
SELECT id, attempt, draft FROM llm_reservations AS r
 WHERE owner IS NOT NULL
   AND (expires_at < now()
        OR (owner <> $1
            AND pg_postmaster_start_time() < now() - interval '10 seconds'
            AND NOT EXISTS (
                SELECT FROM pg_locks AS l
                 WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
                   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                   AND ((l.classid::bigint << 32) | l.objid::bigint) = r.owner)))
 ORDER BY id

-- answered_twice: reservations whose attempt the topic says has ended
SELECT r.id FROM llm_reservations AS r JOIN llm_calls AS c USING (input_hash, attempt)

-- spend: settled and reserved of a month and a day
SELECT period, settled_usd, reserved_usd FROM llm_periods WHERE period = ANY(llm_periods_of($1))

-- batched: the reservations of message batches
SELECT id, attempt, draft, batch_id, started_at, expires_at < now() AS is_expired FROM llm_reservations
 WHERE owner IS NULL ORDER BY id

-- waiting: entries to be sent, oldest first
SELECT o.id, c.record FROM llm_outbox AS o JOIN llm_calls AS c USING (input_hash, attempt) ORDER BY o.id LIMIT $1

-- sent: these are in the topic
DELETE FROM llm_outbox WHERE id = ANY($1::bigint[])

-- compared: how far the ledger has been compared with the topic
SELECT partition, topic_id, next_offset FROM llm_refill

-- keep_compared: the ledger has what a partition holds up to there
INSERT INTO llm_refill (partition, topic_id, next_offset) VALUES ($1, $2, $3)
ON CONFLICT (partition) DO UPDATE SET topic_id = excluded.topic_id, next_offset = excluded.next_offset

-- report: calls, tokens and cost since a moment, by day, pipeline and model
SELECT to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, pipeline, model,
       count(*) AS entries,
       count(*) FILTER (WHERE input_tokens + cached_tokens + cache_write_tokens > 0) AS answered_calls,
       count(*) FILTER (WHERE outcome = 'in-flight-at-kill') AS in_flight_at_kill,
       sum(input_tokens)::bigint AS input_tokens, sum(cached_tokens)::bigint AS cached_tokens,
       sum(cache_write_tokens)::bigint AS cache_write_tokens, sum(output_tokens)::bigint AS output_tokens,
       sum(cost_usd) AS cost_usd
  FROM llm_calls WHERE started_at >= $1
 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3

-- reserved: what is under way, by pipeline and model
SELECT pipeline, model, count(*) AS calls, sum(worst_usd) AS worst_usd,
       count(*) FILTER (WHERE owner IS NULL) AS in_batches
  FROM llm_reservations GROUP BY 1, 2 ORDER BY 1, 2
