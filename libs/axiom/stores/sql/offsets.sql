-- Where each consumer is in the log, and what became of the records it read. Kept with the rows.
CREATE TABLE IF NOT EXISTS sink_offsets (
    consumer       text    NOT NULL,
    topic          text    NOT NULL,
    partition      integer NOT NULL,
    next_offset    bigint  NOT NULL,
    epoch          bigint  NOT NULL,
    topic_id       text    NOT NULL,
    partitions     integer NOT NULL,
    applied        bigint  NOT NULL DEFAULT 0,
    superseded     bigint  NOT NULL DEFAULT 0,
    dead_lettered  bigint  NOT NULL DEFAULT 0,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, partition)
);

-- Offsets whose records went to `dead-letters`, so that verify and rebuild know them.
CREATE TABLE IF NOT EXISTS dead_offsets (
    consumer       text    NOT NULL,
    topic          text    NOT NULL,
    partition      integer NOT NULL,
    "offset"       bigint  NOT NULL,
    error_class    text    NOT NULL,
    PRIMARY KEY (consumer, topic, partition, "offset")
);

-- Which numbered files of a sink's migrations have run in this schema.
CREATE TABLE IF NOT EXISTS schema_migrations (
    name           text PRIMARY KEY,
    applied_at     timestamptz NOT NULL DEFAULT now()
);
