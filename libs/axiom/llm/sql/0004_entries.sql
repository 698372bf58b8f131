-- An entry is written in one way, whether its call has just ended or it comes back from the topic.

-- Write entries (objects with the columns of llm_calls) that are not there yet, charge their periods, and let the relay
-- send them to the topic if `p_publish`; returns how many were not there.
CREATE FUNCTION llm_enter(p_entries jsonb, p_publish boolean) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    entered bigint;
BEGIN
    WITH fresh AS (
        INSERT INTO llm_calls SELECT * FROM jsonb_populate_recordset(NULL::llm_calls, p_entries)
        ON CONFLICT DO NOTHING
        RETURNING input_hash, attempt, cost_usd, started_at
    ), charged AS (
        INSERT INTO llm_periods AS held (period, settled_usd)
        SELECT period, sum(cost_usd) FROM fresh, unnest(llm_periods_of(started_at)) AS period
         GROUP BY period ORDER BY period
        ON CONFLICT (period) DO UPDATE SET settled_usd = held.settled_usd + excluded.settled_usd
    ), sent AS (
        INSERT INTO llm_outbox (input_hash, attempt) SELECT input_hash, attempt FROM fresh WHERE p_publish
    )
    SELECT count(*) INTO entered FROM fresh;
    RETURN entered;
END $$;

-- Write one entry in place of a reservation; false where the reservation is not there any more, or the entry is there
-- already.
DROP FUNCTION llm_settle;
CREATE FUNCTION llm_settle(p_id bigint, p_entries jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN llm_release(p_id) AND llm_enter(p_entries, true) = 1;
END $$;
