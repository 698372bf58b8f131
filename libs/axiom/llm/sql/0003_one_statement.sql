-- A call begins and ends with one statement each: every statement more is a round trip more for each event.

-- As llm_reserve, whose reservation then has its draft. `state` may also be `exhausted`: it is the input's attempt
-- number `attempt`, more than `p_most`, and nothing is set aside.
CREATE FUNCTION llm_begin(
    p_input_hash text, p_event_id text, p_task text, p_pipeline text, p_model text, p_again boolean,
    p_worst numeric, p_owner bigint, p_lifetime_s double precision, p_started_at timestamptz,
    p_daily_cap numeric, p_monthly_cap numeric, p_draft text, p_most integer,
    OUT state text, OUT id bigint, OUT attempt integer, OUT room_later boolean
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT r.state, r.id, r.attempt, r.room_later INTO llm_begin.state, llm_begin.id, llm_begin.attempt,
           llm_begin.room_later
      FROM llm_reserve(p_input_hash, p_event_id, p_task, p_pipeline, p_model, p_again, p_worst, p_owner,
                       p_lifetime_s, p_started_at, p_daily_cap, p_monthly_cap) AS r;
    IF state = 'reserved' AND attempt > p_most THEN
        PERFORM llm_release(llm_begin.id);
        state := 'exhausted';
    ELSIF state = 'reserved' THEN
        UPDATE llm_reservations r SET draft = p_draft WHERE r.id = llm_begin.id;
    END IF;
END $$;

-- Write an entry in place of a reservation, charge its periods and let the relay send it; false where the reservation
-- is not there any more, or the entry is there already.
CREATE FUNCTION llm_settle(
    p_id bigint, p_input_hash text, p_attempt integer, p_event_id text, p_task text, p_pipeline text, p_model text,
    p_outcome text, p_is_final boolean, p_input_tokens bigint, p_cached_tokens bigint, p_cache_write_tokens bigint,
    p_output_tokens bigint, p_cost_usd numeric, p_started_at timestamptz, p_finished_at timestamptz, p_record text
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT llm_release(p_id) THEN
        RETURN false;
    END IF;
    INSERT INTO llm_calls (input_hash, attempt, event_id, task, pipeline, model, outcome, is_final, input_tokens,
                           cached_tokens, cache_write_tokens, output_tokens, cost_usd, started_at, finished_at, record)
    VALUES (p_input_hash, p_attempt, p_event_id, p_task, p_pipeline, p_model, p_outcome, p_is_final, p_input_tokens,
            p_cached_tokens, p_cache_write_tokens, p_output_tokens, p_cost_usd, p_started_at, p_finished_at, p_record)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO llm_periods AS held (period, settled_usd)
    SELECT period, p_cost_usd FROM unnest(llm_periods_of(p_started_at)) AS period ORDER BY period
    ON CONFLICT (period) DO UPDATE SET settled_usd = held.settled_usd + excluded.settled_usd;
    INSERT INTO llm_outbox (input_hash, attempt) VALUES (p_input_hash, p_attempt);
    RETURN true;
END $$;
