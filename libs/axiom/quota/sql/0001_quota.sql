-- Who is asked. The row is locked while a call is taken out of the provider's budget. `latest` is the newest moment
-- that was ever used: the clock may not go back.
CREATE TABLE quota_providers (
    provider        text        PRIMARY KEY,
    latest          timestamptz NOT NULL DEFAULT '-infinity',
    blocked_until   timestamptz,
    block_reason    text        NOT NULL DEFAULT ''
);

-- Single calls, for as long as the longest window needs them.
CREATE TABLE quota_calls (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider        text        NOT NULL REFERENCES quota_providers,
    spent_at        timestamptz NOT NULL
);
CREATE INDEX quota_calls_by_time ON quota_calls (provider, spent_at);

-- Calls of a day in the provider's time zone, by what they were for.
CREATE TABLE quota_days (
    provider        text        NOT NULL REFERENCES quota_providers,
    day             date        NOT NULL,
    purpose         text        NOT NULL,
    calls           bigint      NOT NULL,
    PRIMARY KEY (provider, day, purpose)
);

-- Lock a provider's books; the moment that counts as now. `p_now` null: this server's clock.
CREATE FUNCTION quota_open(p_provider text, p_now timestamptz) RETURNS quota_providers LANGUAGE plpgsql AS $$
DECLARE
    books quota_providers;
BEGIN
    INSERT INTO quota_providers (provider) VALUES (p_provider) ON CONFLICT DO NOTHING;
    SELECT * INTO books FROM quota_providers WHERE provider = p_provider FOR UPDATE;
    books.latest := greatest(books.latest, coalesce(p_now, clock_timestamp()));
    RETURN books;
END $$;

-- Calls of the day that began at `p_midnight`: those counted, and those of just before that may have come late.
CREATE FUNCTION quota_today(p_provider text, p_midnight timestamptz, p_zone text, p_transit interval) RETURNS bigint
LANGUAGE sql AS $$
    SELECT coalesce((SELECT sum(calls) FROM quota_days
                      WHERE provider = p_provider AND day = (p_midnight AT TIME ZONE p_zone)::date), 0)::bigint
         + (SELECT count(*) FROM quota_calls
             WHERE provider = p_provider AND spent_at > p_midnight - p_transit AND spent_at < p_midnight)
$$;

-- Take one call out of every window, or none. `p_lengths` in seconds, ascending, with the calls that each allows this
-- caller and those that it has. `state` is granted, blocked, window (`place` says which) or day; `ready_at`: when to
-- ask again.
CREATE FUNCTION quota_spend(
    p_provider text, p_now timestamptz, p_purpose text, p_lengths double precision[], p_allowed integer[],
    p_limits integer[], p_day_allowed integer, p_day_limit integer, p_zone text, p_transit interval,
    OUT state text, OUT place integer, OUT moment timestamptz, OUT ready_at timestamptz, OUT spent bigint,
    OUT fullest double precision, OUT reason text
) LANGUAGE plpgsql AS $$
DECLARE
    books quota_providers := quota_open(p_provider, p_now);
    reach interval;
    midnight timestamptz;
BEGIN
    moment := books.latest;
    fullest := 0;
    state := 'granted';
    IF books.blocked_until > moment THEN
        state := 'blocked';
        ready_at := books.blocked_until;
        reason := books.block_reason;
        RETURN;
    END IF;
    FOR i IN 1 .. coalesce(array_length(p_lengths, 1), 0) LOOP
        reach := make_interval(secs => p_lengths[i]) + p_transit;
        SELECT count(*) INTO spent FROM quota_calls WHERE provider = p_provider AND spent_at > moment - reach;
        IF spent >= p_allowed[i] THEN
            state := 'window';
            place := i;
            -- The call that must have left the window before one more fits in.
            SELECT spent_at + reach INTO ready_at FROM quota_calls
             WHERE provider = p_provider AND spent_at > moment - reach
             ORDER BY spent_at DESC OFFSET greatest(p_allowed[i] - 1, 0) LIMIT 1;
            ready_at := coalesce(ready_at, moment + reach);
            RETURN;
        END IF;
        fullest := greatest(fullest, (spent + 1)::double precision / p_limits[i]);
    END LOOP;
    midnight := date_trunc('day', moment AT TIME ZONE p_zone) AT TIME ZONE p_zone;
    IF p_day_limit IS NOT NULL THEN
        spent := quota_today(p_provider, midnight, p_zone, p_transit);
        IF spent >= p_day_allowed THEN
            state := 'day';
            ready_at := (date_trunc('day', moment AT TIME ZONE p_zone) + interval '1 day') AT TIME ZONE p_zone;
            RETURN;
        END IF;
        fullest := greatest(fullest, (spent + 1)::double precision / p_day_limit);
    END IF;
    UPDATE quota_providers SET latest = moment WHERE provider = p_provider;
    DELETE FROM quota_calls WHERE provider = p_provider
       AND spent_at < moment - p_transit - make_interval(secs => coalesce(p_lengths[array_upper(p_lengths, 1)], 0));
    INSERT INTO quota_calls (provider, spent_at) VALUES (p_provider, moment);
    INSERT INTO quota_days AS held (provider, day, purpose, calls)
    VALUES (p_provider, (midnight AT TIME ZONE p_zone)::date, p_purpose, 1)
    ON CONFLICT (provider, day, purpose) DO UPDATE SET calls = held.calls + 1;
END $$;

-- Grant nothing until then; a longer block stays.
CREATE FUNCTION quota_block(p_provider text, p_now timestamptz, p_for interval, p_reason text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    books quota_providers := quota_open(p_provider, p_now);
BEGIN
    UPDATE quota_providers SET blocked_until = books.latest + p_for, block_reason = p_reason
     WHERE provider = p_provider AND (blocked_until IS NULL OR blocked_until < books.latest + p_for);
END $$;
