// company: one row if there is such a company
MATCH (active:ActiveGeneration)
MATCH (c:Company {generation: active.generation, symbol: $symbol})
RETURN c.symbol AS symbol, c.name AS name, c.sector AS sector, c.industry AS industry, c.price AS price,
       toString(c.price_ts) AS price_ts

// around_companies: of each company its newest live edges, at most $most
MATCH (active:ActiveGeneration)
UNWIND $keys AS key
MATCH (n:Company {generation: active.generation, symbol: key})
CALL (n) {
    MATCH (n)-[r]-()
    WHERE type(r) <> 'CORRELATED_WITH' OR r.live
    RETURN r ORDER BY r.event_time DESC, type(r), elementId(r) LIMIT $most
}
WITH DISTINCT r, startNode(r) AS a, endNode(r) AS b
RETURN type(r) AS type, labels(a)[0] AS from_kind, coalesce(a.symbol, a.event_id) AS from_key,
       coalesce(a.title, a.name) AS from_name, labels(b)[0] AS to_kind, coalesce(b.symbol, b.name) AS to_key,
       coalesce(b.title, b.name) AS to_name, coalesce(r.r, r.confidence) AS weight,
       toString(r.event_time) AS when, coalesce(r.explanation, r.evidence) AS why, r.sentiment AS sentiment,
       r.window AS window, r.method AS method, r.model AS model, r.cause_topic AS cause_topic, r.cause AS cause

// around_events: of each event the companies that it affects
MATCH (active:ActiveGeneration)
UNWIND $keys AS key
MATCH (a:MarketEvent {generation: active.generation, event_id: key})-[r:AFFECTS]->(b:Company)
WITH r, a, b ORDER BY b.symbol LIMIT $most
RETURN type(r) AS type, 'MarketEvent' AS from_kind, a.event_id AS from_key, a.title AS from_name,
       'Company' AS to_kind, b.symbol AS to_key, b.name AS to_name, r.confidence AS weight,
       toString(r.event_time) AS when, coalesce(r.explanation, r.evidence) AS why, r.sentiment AS sentiment,
       null AS window, r.method AS method, r.model AS model, r.cause_topic AS cause_topic, r.cause AS cause

// edges: the edges of one type from one node to another; several windows of one correlation
MATCH (active:ActiveGeneration)
MATCH (b:Company {generation: active.generation, symbol: $object})<-[r]-(a)
WHERE coalesce(a.symbol, a.event_id) = $subject AND type(r) = $relation
RETURN properties(r) AS edge ORDER BY r.window
