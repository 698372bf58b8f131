-- newest_ticks: of each job its newest $1 ticks, with what is told of their last attempts, newest first
SELECT t.job, t.trigger, t.nominal_at, t.attempt, t.outcome, t.reason, t.ended_at, t.expires_at, t.cancel_asked,
    a.run_id, a.state, a.started_at, a.finished_at, a.worker, a.done, a.total, a.message, a.error, a.results
FROM (
    SELECT *, row_number() OVER (PARTITION BY job ORDER BY nominal_at DESC, created_at DESC) AS place
    FROM job_ticks WHERE created_at > now() - interval '30 days'
) t
LEFT JOIN job_attempts a USING (job, trigger, nominal_at, attempt)
WHERE t.place <= $1
ORDER BY t.job, t.nominal_at DESC, t.created_at DESC

-- failures: ticks that failed or missed their deadline since $1
SELECT count(*) FILTER (WHERE outcome = 'success') AS succeeded,
    count(*) FILTER (WHERE outcome IN ('failed', 'missed_deadline', 'abandoned')) AS failed
FROM job_ticks WHERE ended_at > $1
