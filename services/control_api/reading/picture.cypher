// newest_edges: the newest live edges of some types in a range of time
MATCH (active:ActiveGeneration)
MATCH (a {generation: active.generation})-[r]->(b)
WHERE type(r) IN $types AND r.event_time >= datetime($since) AND r.event_time < datetime($until)
  AND (type(r) <> 'CORRELATED_WITH' OR r.live)
WITH r, a, b ORDER BY r.event_time DESC, type(r), elementId(r) LIMIT $most
RETURN type(r) AS type, labels(a)[0] AS from_kind, coalesce(a.symbol, a.event_id, a.name) AS from_key,
       coalesce(a.title, a.name) AS from_name, labels(b)[0] AS to_kind, coalesce(b.symbol, b.name) AS to_key,
       coalesce(b.title, b.name) AS to_name, coalesce(r.r, r.confidence) AS weight,
       toString(r.event_time) AS when, r.sentiment AS sentiment, r.window AS window, r.method AS method
