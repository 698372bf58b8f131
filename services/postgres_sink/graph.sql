-- stage_graph: where COPY puts batches of the graph's topics before the upserts; for each connection
CREATE TEMP TABLE IF NOT EXISTS market_events_stage (LIKE market_events) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS company_fundamentals_stage (LIKE company_fundamentals) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS correlation_updates_stage (LIKE correlation_updates) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS graph_mutations_stage (LIKE graph_mutations) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS llm_calls_stage (LIKE llm_calls) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS technical_signals_stage (LIKE technical_signals) ON COMMIT DELETE ROWS

-- upsert_market_events: the staged rows that are new, or newer than the table's
INSERT INTO market_events AS held SELECT * FROM market_events_stage
ON CONFLICT (event_id) DO UPDATE SET
    kind = excluded.kind, title = excluded.title, summary = excluded.summary, url = excluded.url,
    publisher = excluded.publisher, source = excluded.source, symbols = excluded.symbols,
    language = excluded.language, severity = excluded.severity, published_at = excluded.published_at,
    fetched_at = excluded.fetched_at, content_hash = excluded.content_hash,
    revision = excluded.revision
WHERE (excluded.fetched_at, coalesce(excluded.revision, ''), excluded.content_hash)
    > (held.fetched_at, coalesce(held.revision, ''), held.content_hash)

-- upsert_company_fundamentals: the staged rows that are new, or newer than the table's
INSERT INTO company_fundamentals AS held SELECT * FROM company_fundamentals_stage
ON CONFLICT (symbol, as_of, md5(source)) DO UPDATE SET
    name = excluded.name, fetched_at = excluded.fetched_at, exchange = excluded.exchange,
    sector = excluded.sector, industry = excluded.industry, country = excluded.country,
    currency = excluded.currency, website = excluded.website, description = excluded.description,
    aliases = excluded.aliases, employees = excluded.employees, market_cap = excluded.market_cap,
    enterprise_value = excluded.enterprise_value, revenue = excluded.revenue, eps = excluded.eps,
    pe_ratio = excluded.pe_ratio, forward_pe_ratio = excluded.forward_pe_ratio,
    price_to_book = excluded.price_to_book, dividend_yield = excluded.dividend_yield,
    profit_margin = excluded.profit_margin, return_on_equity = excluded.return_on_equity,
    debt_to_equity = excluded.debt_to_equity, beta = excluded.beta, content_hash = excluded.content_hash
WHERE (excluded.fetched_at, excluded.content_hash) > (held.fetched_at, held.content_hash)

-- upsert_correlation_updates: the staged rows that are new, or newer than the table's
INSERT INTO correlation_updates AS held SELECT * FROM correlation_updates_stage
ON CONFLICT (symbol_a, symbol_b, md5("window"), as_of) DO UPDATE SET
    method = excluded.method, computed_at = excluded.computed_at, change = excluded.change,
    r = excluded.r, n = excluded.n, p_value = excluded.p_value, content_hash = excluded.content_hash,
    revision = excluded.revision
WHERE (excluded.computed_at, coalesce(excluded.revision, ''), excluded.content_hash)
    > (held.computed_at, coalesce(held.revision, ''), held.content_hash)

-- upsert_graph_mutations: the staged rows that are new, or newer than the table's
INSERT INTO graph_mutations AS held SELECT * FROM graph_mutations_stage
ON CONFLICT (mutation_id, reading) DO UPDATE SET
    kind = excluded.kind, subject = excluded.subject, object = excluded.object,
    event_type = excluded.event_type, sentiment = excluded.sentiment,
    sentiment_score = excluded.sentiment_score, confidence = excluded.confidence,
    evidence = excluded.evidence, explanation = excluded.explanation, cause_topic = excluded.cause_topic,
    cause = excluded.cause, method = excluded.method, model = excluded.model,
    prompt_version = excluded.prompt_version, universe = excluded.universe, cost_usd = excluded.cost_usd,
    event_time = excluded.event_time, ingested_at = excluded.ingested_at, version = excluded.version
WHERE excluded.version > held.version

-- upsert_llm_calls: the staged rows that are new, or newer than the table's
INSERT INTO llm_calls AS held SELECT * FROM llm_calls_stage
ON CONFLICT (input_hash, attempt) DO UPDATE SET
    event_id = excluded.event_id, task = excluded.task, pipeline = excluded.pipeline,
    model = excluded.model, prompt_version = excluded.prompt_version,
    schema_version = excluded.schema_version, universe = excluded.universe, outcome = excluded.outcome,
    input_tokens = excluded.input_tokens, cached_tokens = excluded.cached_tokens,
    cache_write_tokens = excluded.cache_write_tokens, output_tokens = excluded.output_tokens,
    cost_usd = excluded.cost_usd, prices = excluded.prices, latency_ms = excluded.latency_ms,
    answer = excluded.answer, error = excluded.error, batch_id = excluded.batch_id,
    started_at = excluded.started_at, finished_at = excluded.finished_at,
    content_hash = excluded.content_hash
WHERE (excluded.finished_at, excluded.content_hash) > (held.finished_at, held.content_hash)

-- upsert_technical_signals: the staged rows that are new, or newer than the table's
INSERT INTO technical_signals AS held SELECT * FROM technical_signals_stage
ON CONFLICT (symbol, indicator, "interval", ts) DO UPDATE SET
    value = excluded.value, signal = excluded.signal, lower = excluded.lower, upper = excluded.upper,
    computed_at = excluded.computed_at, content_hash = excluded.content_hash,
    revision = excluded.revision
WHERE (excluded.computed_at, coalesce(excluded.revision, ''), excluded.content_hash)
    > (held.computed_at, coalesce(held.revision, ''), held.content_hash)
