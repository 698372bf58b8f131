-- The schema that is never rebuilt or swapped, and which numbered files of which package have run in it.
CREATE SCHEMA IF NOT EXISTS control;

CREATE TABLE IF NOT EXISTS control.schema_migrations (
    package        text NOT NULL,
    name           text NOT NULL,
    applied_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (package, name)
);
