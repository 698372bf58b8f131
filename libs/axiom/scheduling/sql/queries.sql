-- acquire: take the lease if it is free, has run out, or is ours already
UPDATE job_lease
SET epoch = epoch + (holder IS DISTINCT FROM $1)::int, holder = $1,
    expires_at = clock_timestamp() + make_interval(secs => $2)
WHERE holder IS NOT DISTINCT FROM $1 OR holder IS NULL OR expires_at <= clock_timestamp()
RETURNING epoch;

-- release: let another have it
UPDATE job_lease SET holder = NULL, expires_at = '-infinity' WHERE holder = $1 AND epoch = $2;

-- fence: the epoch, locked until the end of the transaction
SELECT epoch, holder FROM job_lease FOR UPDATE;

-- cursors: how far each job is
SELECT job, through, schedule, paused FROM job_cursors;

-- open: ticks that are not over, with what is told of their last attempts
SELECT t.*, a.state, a.started_at, a.finished_at, a.worker, a.done, a.total, a.message, a.error, a.retryable,
    a.retry_after_s, a.results
FROM job_ticks t LEFT JOIN job_attempts a USING (job, trigger, nominal_at, attempt)
WHERE t.outcome IS NULL
ORDER BY t.created_at, t.nominal_at;

-- backfills_open: backfills that make ticks or have open ones
SELECT * FROM job_backfills b
WHERE state = 'running' OR EXISTS (
    SELECT FROM job_ticks t WHERE t.job = b.job AND t.trigger = 'backfill:' || b.id AND t.outcome IS NULL
);

-- latest: for each job and moment the newest scheduled tick that is not later
SELECT w.job AS wanted_job, w.moment AS wanted_moment, t.*
FROM unnest($1::text[], $2::timestamptz[]) AS w (job, moment)
CROSS JOIN LATERAL (
    SELECT * FROM job_ticks
    WHERE job = w.job AND trigger = 'schedule' AND nominal_at <= w.moment
    ORDER BY nominal_at DESC LIMIT 1
) t;

-- keep_cursor: a job's ticks exist up to here; whether it is paused stays
INSERT INTO job_cursors (job, through, schedule) VALUES ($1, $2, $3)
ON CONFLICT (job) DO UPDATE SET through = excluded.through, schedule = excluded.schedule;

-- add_tick: a tick, unless it is there
INSERT INTO job_ticks (
    job, trigger, nominal_at, created_at, not_before, deadline_at, symbols, parameters, attempt, expires_at, outcome,
    reason, ended_at, stopping
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT DO NOTHING;

-- move_tick: its new state, if it is not over yet
UPDATE job_ticks
SET not_before = $4, attempt = $5, expires_at = $6, outcome = $7, reason = $8, ended_at = $9, stopping = $10
WHERE job = $1 AND trigger = $2 AND nominal_at = $3 AND outcome IS NULL;

-- add_attempt: an attempt that is ordered
INSERT INTO job_attempts (run_id, job, trigger, nominal_at, attempt) VALUES ($1, $2, $3, $4, $5);

-- queue: a command for the outbox
INSERT INTO job_outbox (record) VALUES ($1);

-- queued: the oldest commands that are not known to be delivered
SELECT id, record FROM job_outbox ORDER BY id LIMIT $1;

-- delivered: these are in the topic
DELETE FROM job_outbox WHERE id = ANY($1::bigint[]);

-- attempts: what is known of some attempts, locked in one order
SELECT * FROM job_attempts WHERE run_id = ANY($1::text[]) ORDER BY run_id FOR UPDATE;

-- tell: what an owner has told
UPDATE job_attempts
SET state = $2, started_at = $3, finished_at = $4, worker = $5, done = $6, total = $7, message = $8, error = $9,
    retryable = $10, retry_after_s = $11, results = $12
WHERE run_id = $1;

-- ask_cancel: a person wants these stopped
UPDATE job_ticks SET cancel_asked = true
WHERE outcome IS NULL AND job = $1 AND ($2::text IS NULL OR trigger = $2)
    AND ($3::timestamptz IS NULL OR nominal_at = $3);

-- pause: pause or resume, telling whether that changed anything
INSERT INTO job_cursors AS c (job, paused) VALUES ($1, $2)
ON CONFLICT (job) DO UPDATE SET paused = excluded.paused WHERE c.paused <> excluded.paused
RETURNING paused;

-- paused: the jobs that are paused
SELECT job FROM job_cursors WHERE paused;

-- add_backfill: a backfill, unless it is there
INSERT INTO job_backfills (id, job, since, until, through, state, symbols, parameters)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING;

-- move_backfill: how far its ticks exist, unless it was cancelled
UPDATE job_backfills SET through = $2, state = $3 WHERE id = $1 AND state = 'running';

-- cancel_backfill: make no more ticks of it; open ones are cancelled by the next decision
UPDATE job_backfills b SET state = 'cancelled'
WHERE id = $1 AND state <> 'cancelled' AND (state = 'running' OR EXISTS (
    SELECT FROM job_ticks t WHERE t.job = b.job AND t.trigger = 'backfill:' || b.id AND t.outcome IS NULL
));

-- history: the newest ticks; from the second page on those after a place
SELECT t.*, a.state, a.started_at, a.finished_at, a.worker, a.done, a.total, a.message, a.error, a.retryable,
    a.retry_after_s, a.results
FROM job_ticks t LEFT JOIN job_attempts a USING (job, trigger, nominal_at, attempt)
WHERE ($1::text IS NULL OR t.job = $1)
  AND ($3::timestamptz IS NULL OR (t.created_at, t.nominal_at, t.job, t.trigger) < ($3, $4, $5, $6))
ORDER BY t.created_at DESC, t.nominal_at DESC, t.job DESC, t.trigger DESC LIMIT $2;

-- backfills: the newest backfills, with their ticks by outcome
SELECT b.*, (
    SELECT coalesce(json_object_agg(outcome, ticks), '{}') FROM (
        SELECT coalesce(t.outcome, 'open') AS outcome, count(*) AS ticks
        FROM job_ticks t WHERE t.job = b.job AND t.trigger = 'backfill:' || b.id GROUP BY 1
    ) AS counted
)::text AS outcomes
FROM job_backfills b ORDER BY created_at DESC, id LIMIT $1;

-- prune: forget ticks that ended before a moment; their attempts go with them
DELETE FROM job_ticks WHERE ended_at < $1;

-- prune_backfills: and backfills that are over and have none left
DELETE FROM job_backfills b WHERE state <> 'running' AND NOT EXISTS (
    SELECT FROM job_ticks t WHERE t.job = b.job AND t.trigger = 'backfill:' || b.id
);
