-- Who may decide: one row. `epoch` grows whenever another holder takes over.
CREATE TABLE job_lease (
    only_one            boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    holder              text,
    epoch               bigint      NOT NULL DEFAULT 0,
    expires_at          timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO job_lease DEFAULT VALUES;

-- How far a job's ticks exist, and by which schedule. A job may be paused before it has any: its schedule is '' then.
CREATE TABLE job_cursors (
    job                 text        PRIMARY KEY,
    through             timestamptz NOT NULL DEFAULT now(),
    schedule            text        NOT NULL DEFAULT '',
    paused              boolean     NOT NULL DEFAULT false
);

-- Every tick, with its outcome once it is over. `parameters` is JSON.
CREATE TABLE job_ticks (
    job                 text        NOT NULL,
    trigger             text        NOT NULL,
    nominal_at          timestamptz NOT NULL,
    created_at          timestamptz NOT NULL,
    not_before          timestamptz NOT NULL,
    deadline_at         timestamptz,
    symbols             text[]      NOT NULL,
    parameters          text        NOT NULL,
    attempt             integer     NOT NULL,
    expires_at          timestamptz,
    outcome             text        CHECK (outcome IN
        ('success', 'failed', 'missed_deadline', 'skipped', 'cancelled', 'abandoned')),
    reason              text        NOT NULL,
    ended_at            timestamptz CHECK ((ended_at IS NULL) = (outcome IS NULL)),
    stopping            text,
    cancel_asked        boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (job, trigger, nominal_at)
);
CREATE INDEX job_ticks_open ON job_ticks (job) WHERE outcome IS NULL;
CREATE INDEX job_ticks_by_creation ON job_ticks (created_at);
CREATE INDEX job_ticks_by_end ON job_ticks (ended_at);

-- Each attempt that was ordered, and what its owner has told of it.
CREATE TABLE job_attempts (
    run_id              text        PRIMARY KEY,
    job                 text        NOT NULL,
    trigger             text        NOT NULL,
    nominal_at          timestamptz NOT NULL,
    attempt             integer     NOT NULL,
    state               text,
    started_at          timestamptz,
    finished_at         timestamptz,
    worker              text,
    done                bigint      NOT NULL DEFAULT 0,
    total               bigint      NOT NULL DEFAULT 0,
    message             text,
    error               text,
    retryable           boolean     NOT NULL DEFAULT true,
    retry_after_s       double precision,
    results             text        NOT NULL DEFAULT '{}',
    UNIQUE (job, trigger, nominal_at, attempt),
    FOREIGN KEY (job, trigger, nominal_at) REFERENCES job_ticks ON DELETE CASCADE
);

-- Commands that are not known to be in the topic yet.
CREATE TABLE job_outbox (
    id                  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record              text        NOT NULL
);

CREATE TABLE job_backfills (
    id                  text        PRIMARY KEY,
    job                 text        NOT NULL,
    since               timestamptz NOT NULL,
    until               timestamptz NOT NULL,
    through             timestamptz NOT NULL,
    state               text        NOT NULL CHECK (state IN ('running', 'made', 'cancelled')),
    symbols             text[]      NOT NULL,
    parameters          text        NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now()
);
