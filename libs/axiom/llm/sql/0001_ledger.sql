-- Each attempt to have a question answered, once it has ended. `record` is the entry as it goes to `llm-calls`, byte
-- for byte; the other columns are taken from it, for look-ups and sums.
CREATE TABLE llm_calls (
    input_hash          text        NOT NULL,
    attempt             integer     NOT NULL,
    event_id            text        NOT NULL,
    task                text        NOT NULL,
    pipeline            text        NOT NULL,
    model               text        NOT NULL,
    outcome             text        NOT NULL,
    is_final            boolean     NOT NULL,
    input_tokens        bigint      NOT NULL,
    cached_tokens       bigint      NOT NULL,
    cache_write_tokens  bigint      NOT NULL,
    output_tokens       bigint      NOT NULL,
    cost_usd            numeric     NOT NULL,
    started_at          timestamptz NOT NULL,
    finished_at         timestamptz NOT NULL,
    record              text        NOT NULL,
    PRIMARY KEY (input_hash, attempt)
);
CREATE INDEX llm_calls_of_event ON llm_calls (event_id, task);
CREATE INDEX llm_calls_by_time ON llm_calls (started_at);

-- Calls that are about to be made or under way: at most one of an input, and of an event's task. `draft` is the entry
-- that is written if nobody ever hears of the call again. `owner` is the key of the session lock that the calling
-- process holds; null for the requests of a message batch, which outlive the process.
CREATE TABLE llm_reservations (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    input_hash          text        NOT NULL UNIQUE,
    attempt             integer     NOT NULL,
    event_id            text        NOT NULL,
    task                text        NOT NULL,
    pipeline            text        NOT NULL,
    model               text        NOT NULL,
    worst_usd           numeric     NOT NULL,
    owner               bigint,
    batch_id            text,
    draft               text        NOT NULL,
    started_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,
    UNIQUE (event_id, task)
);

-- What a day (`2026-11-21`) and a month (`2026-11`) have cost, UTC. Rows are locked in the order of their names, so
-- the month first.
CREATE TABLE llm_periods (
    period              text    PRIMARY KEY,
    settled_usd         numeric NOT NULL DEFAULT 0,
    reserved_usd        numeric NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0)
);

-- Entries that are not known to be in the topic yet.
CREATE TABLE llm_outbox (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    input_hash          text    NOT NULL,
    attempt             integer NOT NULL
);

-- How far the ledger has been compared with the topic.
CREATE TABLE llm_refill (
    partition           integer PRIMARY KEY,
    topic_id            text    NOT NULL,
    next_offset         bigint  NOT NULL
);
