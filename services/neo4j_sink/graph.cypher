// event_constraint: one node for each event and generation
CREATE CONSTRAINT market_event_unique IF NOT EXISTS
FOR (e:MarketEvent) REQUIRE (e.generation, e.event_id) IS UNIQUE

// sector_constraint: one node for each sector and generation
CREATE CONSTRAINT sector_unique IF NOT EXISTS
FOR (s:Sector) REQUIRE (s.generation, s.name) IS UNIQUE

// industry_constraint: one node for each industry and generation
CREATE CONSTRAINT industry_unique IF NOT EXISTS
FOR (i:Industry) REQUIRE (i.generation, i.name) IS UNIQUE

// upsert_events: rows: event_id, version, kind, title, url, publisher, source, symbols, language, severity, published_at, fetched_at
UNWIND $rows AS row
MERGE (e:MarketEvent {generation: $generation, event_id: row[0]})
WITH e, row WHERE e.version IS NULL OR e.version < row[1]
SET e.version = row[1], e.kind = row[2], e.title = row[3], e.url = row[4], e.publisher = row[5],
    e.source = row[6], e.symbols = row[7], e.language = row[8], e.severity = row[9],
    e.published_at = datetime(row[10]), e.fetched_at = datetime(row[11])
RETURN count(*) AS applied

// merge_sectors: the sectors that are named anywhere; their nodes stay when their companies leave
UNWIND $names AS name MERGE (:Sector {generation: $generation, name: name})

// merge_industries: the industries that are named anywhere
UNWIND $names AS name MERGE (:Industry {generation: $generation, name: name})

// upsert_profiles: rows: symbol, version, name, exchange, country, currency, website, aliases, employees, market_cap, pe_ratio, beta, sector, industry, source, as_of, fetched_at, record id; returns the symbols that took it
UNWIND $rows AS row
MERGE (c:Company {generation: $generation, symbol: row[0]})
WITH c, row WHERE c.profile_version IS NULL OR c.profile_version < row[1]
SET c.profile_version = row[1], c.name = row[2], c.exchange = row[3], c.country = row[4],
    c.currency = row[5], c.website = row[6], c.aliases = row[7], c.employees = row[8],
    c.market_cap = row[9], c.pe_ratio = row[10], c.beta = row[11], c.sector = row[12],
    c.industry = row[13], c.profile_source = row[14], c.profile_as_of = datetime(row[15]),
    c.profile_fetched_at = datetime(row[16])
RETURN c.symbol AS symbol

// leave_groups: the companies' edges to sectors and industries go; those that follow take their place
UNWIND $symbols AS symbol
MATCH (:Company {generation: $generation, symbol: symbol})-[r:IN_SECTOR|IN_INDUSTRY]->()
DELETE r

// join_sectors: rows as in `upsert_profiles`, of companies with a sector
UNWIND $rows AS row
MATCH (c:Company {generation: $generation, symbol: row[0]})
MATCH (s:Sector {generation: $generation, name: row[12]})
CREATE (c)-[:IN_SECTOR {version: row[1], method: 'fundamentals', source: row[14], event_time: datetime(row[15]),
                        ingested_at: datetime(row[16]), cause_topic: 'company-fundamentals', cause: row[17]}]->(s)

// join_industries: rows as in `upsert_profiles`, of companies with an industry
UNWIND $rows AS row
MATCH (c:Company {generation: $generation, symbol: row[0]})
MATCH (i:Industry {generation: $generation, name: row[13]})
CREATE (c)-[:IN_INDUSTRY {version: row[1], method: 'fundamentals', source: row[14], event_time: datetime(row[15]),
                          ingested_at: datetime(row[16]), cause_topic: 'company-fundamentals', cause: row[17]}]->(i)

// upsert_correlations: rows: symbol_a, symbol_b, window, method, change, r, n, p_value, version, as_of, computed_at, record id
UNWIND $rows AS row
MERGE (a:Company {generation: $generation, symbol: row[0]})
MERGE (b:Company {generation: $generation, symbol: row[1]})
MERGE (a)-[r:CORRELATED_WITH {window: row[2]}]->(b)
WITH r, row WHERE r.version IS NULL OR r.version < row[8]
SET r.version = row[8], r.method = row[3], r.live = row[4] <> 'gone', r.r = row[5], r.n = row[6],
    r.p_value = row[7], r.event_time = datetime(row[9]), r.ingested_at = datetime(row[10]),
    r.cause_topic = 'correlation-updates', r.cause = row[11]
RETURN count(*) AS applied

// classify_events: rows of mutations: subject, object, mutation_id, event_type, sentiment, sentiment_score, confidence, evidence, explanation, cause_topic, cause, method, model, prompt_version, universe, reading, cost_usd, event_time, ingested_at, version, window
UNWIND $rows AS row
MERGE (e:MarketEvent {generation: $generation, event_id: row[0]})
WITH e, row WHERE e.mutation_version IS NULL OR e.mutation_version < row[19]
SET e.mutation_version = row[19], e.mutation_id = row[2], e.event_type = row[3], e.sentiment = row[4],
    e.sentiment_score = row[5], e.confidence = row[6], e.evidence = row[7], e.explanation = row[8],
    e.cause_topic = row[9], e.cause = row[10], e.method = row[11], e.model = row[12],
    e.prompt_version = row[13], e.universe = row[14], e.reading = row[15], e.cost_usd = row[16],
    e.event_time = datetime(row[17]), e.ingested_at = datetime(row[18])
RETURN count(*) AS applied

// upsert_affects: from the event to the company; rows as in `classify_events`
UNWIND $rows AS row
MERGE (e:MarketEvent {generation: $generation, event_id: row[0]})
MERGE (c:Company {generation: $generation, symbol: row[1]})
MERGE (e)-[r:AFFECTS]->(c)
WITH r, row WHERE r.version IS NULL OR r.version < row[19]
SET r.version = row[19], r.mutation_id = row[2], r.event_type = row[3], r.sentiment = row[4],
    r.sentiment_score = row[5], r.confidence = row[6], r.evidence = row[7], r.explanation = row[8],
    r.cause_topic = row[9], r.cause = row[10], r.method = row[11], r.model = row[12],
    r.prompt_version = row[13], r.universe = row[14], r.reading = row[15], r.cost_usd = row[16],
    r.event_time = datetime(row[17]), r.ingested_at = datetime(row[18])
RETURN count(*) AS applied

// upsert_exposes: from the event to a company that it reaches by others; rows as in `classify_events`
UNWIND $rows AS row
MERGE (e:MarketEvent {generation: $generation, event_id: row[0]})
MERGE (c:Company {generation: $generation, symbol: row[1]})
MERGE (e)-[r:EXPOSES]->(c)
WITH r, row WHERE r.version IS NULL OR r.version < row[19]
SET r.version = row[19], r.mutation_id = row[2], r.event_type = row[3], r.sentiment = row[4],
    r.sentiment_score = row[5], r.confidence = row[6], r.evidence = row[7], r.explanation = row[8],
    r.cause_topic = row[9], r.cause = row[10], r.method = row[11], r.model = row[12],
    r.prompt_version = row[13], r.universe = row[14], r.reading = row[15], r.cost_usd = row[16],
    r.event_time = datetime(row[17]), r.ingested_at = datetime(row[18])
RETURN count(*) AS applied

// upsert_competes_with: two companies in alphabetical order; rows as in `classify_events`
UNWIND $rows AS row
MERGE (a:Company {generation: $generation, symbol: row[0]})
MERGE (b:Company {generation: $generation, symbol: row[1]})
MERGE (a)-[r:COMPETES_WITH]->(b)
WITH r, row WHERE r.version IS NULL OR r.version < row[19]
SET r.version = row[19], r.mutation_id = row[2], r.event_type = row[3], r.sentiment = row[4],
    r.sentiment_score = row[5], r.confidence = row[6], r.evidence = row[7], r.explanation = row[8],
    r.cause_topic = row[9], r.cause = row[10], r.method = row[11], r.model = row[12],
    r.prompt_version = row[13], r.universe = row[14], r.reading = row[15], r.cost_usd = row[16],
    r.event_time = datetime(row[17]), r.ingested_at = datetime(row[18])
RETURN count(*) AS applied

// upsert_sector_peer: two companies in alphabetical order; rows as in `classify_events`
UNWIND $rows AS row
MERGE (a:Company {generation: $generation, symbol: row[0]})
MERGE (b:Company {generation: $generation, symbol: row[1]})
MERGE (a)-[r:SECTOR_PEER]->(b)
WITH r, row WHERE r.version IS NULL OR r.version < row[19]
SET r.version = row[19], r.mutation_id = row[2], r.event_type = row[3], r.sentiment = row[4],
    r.sentiment_score = row[5], r.confidence = row[6], r.evidence = row[7], r.explanation = row[8],
    r.cause_topic = row[9], r.cause = row[10], r.method = row[11], r.model = row[12],
    r.prompt_version = row[13], r.universe = row[14], r.reading = row[15], r.cost_usd = row[16],
    r.event_time = datetime(row[17]), r.ingested_at = datetime(row[18])
RETURN count(*) AS applied

// upsert_supplies: from the supplier to the customer; rows as in `classify_events`
UNWIND $rows AS row
MERGE (a:Company {generation: $generation, symbol: row[0]})
MERGE (b:Company {generation: $generation, symbol: row[1]})
MERGE (a)-[r:SUPPLIES]->(b)
WITH r, row WHERE r.version IS NULL OR r.version < row[19]
SET r.version = row[19], r.mutation_id = row[2], r.event_type = row[3], r.sentiment = row[4],
    r.sentiment_score = row[5], r.confidence = row[6], r.evidence = row[7], r.explanation = row[8],
    r.cause_topic = row[9], r.cause = row[10], r.method = row[11], r.model = row[12],
    r.prompt_version = row[13], r.universe = row[14], r.reading = row[15], r.cost_usd = row[16],
    r.event_time = datetime(row[17]), r.ingested_at = datetime(row[18])
RETURN count(*) AS applied

// explain_correlations: what is said of a correlation, beside its figures; rows as in `classify_events`
UNWIND $rows AS row
MERGE (a:Company {generation: $generation, symbol: row[0]})
MERGE (b:Company {generation: $generation, symbol: row[1]})
MERGE (a)-[r:CORRELATED_WITH {window: row[20]}]->(b)
WITH r, row WHERE r.explanation_version IS NULL OR r.explanation_version < row[19]
SET r.explanation_version = row[19], r.explanation = row[8], r.explanation_mutation_id = row[2],
    r.explanation_confidence = row[6], r.explanation_evidence = row[7], r.explanation_cause_topic = row[9],
    r.explanation_cause = row[10], r.explanation_method = row[11], r.explanation_model = row[12],
    r.explanation_prompt_version = row[13], r.explanation_universe = row[14],
    r.explanation_reading = row[15], r.explanation_cost_usd = row[16],
    r.explanation_event_time = datetime(row[17]), r.explanation_ingested_at = datetime(row[18])
RETURN count(*) AS applied

// census: nodes and edges by kind, from the counts that Neo4j keeps; while a rebuild runs with those of both generations
MATCH (n:Company) RETURN 'Company' AS kind, count(n) AS count
UNION ALL MATCH (n:MarketEvent) RETURN 'MarketEvent' AS kind, count(n) AS count
UNION ALL MATCH (n:Sector) RETURN 'Sector' AS kind, count(n) AS count
UNION ALL MATCH (n:Industry) RETURN 'Industry' AS kind, count(n) AS count
UNION ALL MATCH ()-[r:AFFECTS]->() RETURN 'AFFECTS' AS kind, count(r) AS count
UNION ALL MATCH ()-[r:EXPOSES]->() RETURN 'EXPOSES' AS kind, count(r) AS count
UNION ALL MATCH ()-[r:COMPETES_WITH]->() RETURN 'COMPETES_WITH' AS kind, count(r) AS count
UNION ALL MATCH ()-[r:SECTOR_PEER]->() RETURN 'SECTOR_PEER' AS kind, count(r) AS count
UNION ALL MATCH ()-[r:SUPPLIES]->() RETURN 'SUPPLIES' AS kind, count(r) AS count
UNION ALL MATCH ()-[r:CORRELATED_WITH]->() RETURN 'CORRELATED_WITH' AS kind, count(r) AS count
UNION ALL MATCH ()-[r:IN_SECTOR]->() RETURN 'IN_SECTOR' AS kind, count(r) AS count
UNION ALL MATCH ()-[r:IN_INDUSTRY]->() RETURN 'IN_INDUSTRY' AS kind, count(r) AS count
