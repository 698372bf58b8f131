-- What is told of companies, in the newest version of each record; `content_hash` decides between versions of
-- one moment. Texts of any length are indexed by their hash: a btree refuses long ones.
CREATE TABLE market_events (
    event_id       text PRIMARY KEY,
    kind           text NOT NULL,
    title          text NOT NULL,
    summary        text NOT NULL,
    url            text,
    publisher      text,
    source         text NOT NULL,
    symbols        text[] NOT NULL,
    language       text NOT NULL,
    severity       double precision,
    published_at   timestamptz NOT NULL,
    fetched_at     timestamptz NOT NULL,
    content_hash   bigint NOT NULL
);
CREATE INDEX market_events_by_symbol ON market_events USING gin (symbols);
CREATE INDEX market_events_by_time ON market_events (published_at);

-- One row for each symbol, day and source: the history of what was said.
CREATE TABLE company_fundamentals (
    symbol            text NOT NULL,
    name              text NOT NULL,
    as_of             timestamptz NOT NULL,
    fetched_at        timestamptz NOT NULL,
    source            text NOT NULL,
    exchange          text,
    sector            text,
    industry          text,
    country           text,
    currency          text,
    website           text,
    description       text,
    aliases           text[] NOT NULL,
    employees         bigint,
    market_cap        double precision,
    enterprise_value  double precision,
    revenue           double precision,
    eps               double precision,
    pe_ratio          double precision,
    forward_pe_ratio  double precision,
    price_to_book     double precision,
    dividend_yield    double precision,
    profit_margin     double precision,
    return_on_equity  double precision,
    debt_to_equity    double precision,
    beta              double precision,
    content_hash      bigint NOT NULL
);
CREATE UNIQUE INDEX company_fundamentals_key ON company_fundamentals (symbol, as_of, md5(source));

-- What is current: of each symbol the newest row.
CREATE VIEW current_fundamentals AS
SELECT DISTINCT ON (symbol) * FROM company_fundamentals
ORDER BY symbol, as_of DESC, fetched_at DESC, content_hash DESC;

-- One row for each pair, window and end of the window.
CREATE TABLE correlation_updates (
    symbol_a       text NOT NULL,
    symbol_b       text NOT NULL,
    "window"       text NOT NULL,
    method         text NOT NULL,
    as_of          timestamptz NOT NULL,
    computed_at    timestamptz NOT NULL,
    change         text NOT NULL,
    r              double precision NOT NULL,
    n              bigint NOT NULL,
    p_value        double precision NOT NULL,
    content_hash   bigint NOT NULL
);
CREATE UNIQUE INDEX correlation_updates_key ON correlation_updates (symbol_a, symbol_b, md5("window"), as_of);
CREATE INDEX correlation_updates_by_second ON correlation_updates (symbol_b);

-- The newest of each pair and window; `change` is 'gone' where it holds no more.
CREATE VIEW current_correlations AS
SELECT DISTINCT ON (symbol_a, symbol_b, "window") * FROM correlation_updates
ORDER BY symbol_a, symbol_b, "window", as_of DESC, computed_at DESC, content_hash DESC;

-- Every statement about the graph that was ever made, with where it comes from; `version` orders those of one
-- target as strings.
CREATE TABLE graph_mutations (
    mutation_id      text NOT NULL,
    kind             text NOT NULL,
    subject          text NOT NULL,
    object           text,
    event_type       text,
    sentiment        text,
    sentiment_score  double precision,
    confidence       double precision NOT NULL,
    evidence         text,
    explanation      text,
    cause_topic      text NOT NULL,
    cause            text NOT NULL,
    method           text NOT NULL,
    model            text NOT NULL,
    prompt_version   text NOT NULL,
    universe         text NOT NULL,
    reading          integer NOT NULL,
    cost_usd         numeric NOT NULL,
    event_time       timestamptz NOT NULL,
    ingested_at      timestamptz NOT NULL,
    version          text COLLATE "C" NOT NULL,
    PRIMARY KEY (mutation_id, reading)
);
CREATE INDEX graph_mutations_by_target ON graph_mutations (subject, object, kind);
CREATE INDEX graph_mutations_by_object ON graph_mutations (object);
CREATE INDEX graph_mutations_by_cause ON graph_mutations USING hash (cause);
CREATE INDEX graph_mutations_by_time ON graph_mutations (event_time);

-- Of each target the statement that counts: what Neo4j shows.
CREATE VIEW current_mutations AS
SELECT DISTINCT ON (kind, subject, object) * FROM graph_mutations
ORDER BY kind, subject, object, version DESC;

-- Each paid call, with its answer and cost.
CREATE TABLE llm_calls (
    input_hash          text NOT NULL,
    attempt             integer NOT NULL,
    event_id            text NOT NULL,
    task                text NOT NULL,
    pipeline            text NOT NULL,
    model               text NOT NULL,
    prompt_version      text NOT NULL,
    schema_version      text NOT NULL,
    universe            text NOT NULL,
    outcome             text NOT NULL,
    input_tokens        bigint NOT NULL,
    cached_tokens       bigint NOT NULL,
    cache_write_tokens  bigint NOT NULL,
    output_tokens       bigint NOT NULL,
    cost_usd            numeric NOT NULL,
    prices              text NOT NULL,
    latency_ms          bigint NOT NULL,
    answer              text,
    error               text,
    batch_id            text,
    started_at          timestamptz NOT NULL,
    finished_at         timestamptz NOT NULL,
    content_hash        bigint NOT NULL,
    PRIMARY KEY (input_hash, attempt)
);
CREATE INDEX llm_calls_by_time ON llm_calls (finished_at);
CREATE INDEX llm_calls_by_event ON llm_calls USING hash (event_id);
