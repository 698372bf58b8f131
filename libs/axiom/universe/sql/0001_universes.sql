-- Every list of companies that was ever current: graph mutations name the version that they were made with.
CREATE TABLE universes (
    version text PRIMARY KEY CHECK (version ~ '^[0-9a-f]{12}$'),
    loaded_at timestamptz NOT NULL,
    source text NOT NULL,
    listings jsonb NOT NULL
);
CREATE INDEX universes_by_time ON universes (loaded_at DESC);
