-- The periods that a moment belongs to, the month first.
CREATE FUNCTION llm_periods_of(moment timestamptz) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM'), to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD')]
$$;

-- Claim a question and set its worst case aside, all or nothing. `state` is one of
--   reserved   `id` and `attempt` are the reservation's
--   claimed    somebody else asks it, or has just had it answered
--   daily, monthly   the cap has no room; `room_later` says whether it has once calls under way are settled
CREATE FUNCTION llm_reserve(
    p_input_hash text, p_event_id text, p_task text, p_pipeline text, p_model text, p_again boolean,
    p_worst numeric, p_owner bigint, p_lifetime_s double precision, p_started_at timestamptz,
    p_daily_cap numeric, p_monthly_cap numeric,
    OUT state text, OUT id bigint, OUT attempt integer, OUT room_later boolean
) LANGUAGE plpgsql AS $$
DECLARE
    month_name text := (llm_periods_of(p_started_at))[1];
    day_name text := (llm_periods_of(p_started_at))[2];
    month_row llm_periods;
    day_row llm_periods;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_input_hash, 0));
    INSERT INTO llm_reservations AS r (input_hash, attempt, event_id, task, pipeline, model, worst_usd, owner, draft,
                                       started_at, expires_at)
    VALUES (p_input_hash, 0, p_event_id, p_task, p_pipeline, p_model, p_worst, p_owner, '',
            p_started_at, now() + make_interval(secs => p_lifetime_s))
    ON CONFLICT DO NOTHING RETURNING r.id INTO llm_reserve.id;
    IF llm_reserve.id IS NULL THEN
        state := 'claimed';
        RETURN;
    END IF;
    -- The insert may have waited for another's settlement, which no statement before it can have seen. From here on
    -- nobody else holds the question, so what is read now stays true.
    IF EXISTS (SELECT FROM llm_calls c WHERE c.is_final AND (c.input_hash = p_input_hash
               OR (NOT p_again AND c.event_id = p_event_id AND c.task = p_task))) THEN
        DELETE FROM llm_reservations r WHERE r.id = llm_reserve.id;
        state := 'claimed';
        RETURN;
    END IF;
    SELECT coalesce(max(c.attempt), 0) + 1 INTO llm_reserve.attempt
      FROM llm_calls c WHERE c.input_hash = p_input_hash;
    UPDATE llm_reservations r SET attempt = llm_reserve.attempt WHERE r.id = llm_reserve.id;
    INSERT INTO llm_periods (period) VALUES (month_name), (day_name) ON CONFLICT DO NOTHING;
    SELECT * INTO month_row FROM llm_periods WHERE period = month_name FOR UPDATE;
    SELECT * INTO day_row FROM llm_periods WHERE period = day_name FOR UPDATE;
    state := CASE
        WHEN month_row.settled_usd + month_row.reserved_usd + p_worst > p_monthly_cap THEN 'monthly'
        WHEN day_row.settled_usd + day_row.reserved_usd + p_worst > p_daily_cap THEN 'daily'
        ELSE 'reserved' END;
    IF state = 'reserved' THEN
        UPDATE llm_periods SET reserved_usd = reserved_usd + p_worst WHERE period IN (month_name, day_name);
    ELSE
        room_later := month_row.settled_usd + p_worst <= p_monthly_cap
                      AND day_row.settled_usd + p_worst <= p_daily_cap;
        DELETE FROM llm_reservations r WHERE r.id = llm_reserve.id;
    END IF;
END $$;

-- Take a reservation away and give its money back; false if it is not there any more.
CREATE FUNCTION llm_release(p_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    gone llm_reservations;
    name text;
BEGIN
    DELETE FROM llm_reservations r WHERE r.id = p_id RETURNING * INTO gone;
    IF gone.id IS NULL THEN
        RETURN false;
    END IF;
    FOREACH name IN ARRAY llm_periods_of(gone.started_at) LOOP
        UPDATE llm_periods SET reserved_usd = reserved_usd - gone.worst_usd WHERE period = name;
    END LOOP;
    RETURN true;
END $$;
