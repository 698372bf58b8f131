// count_nodes: nodes of the active generation by kind
MATCH (active:ActiveGeneration)
MATCH (n:Company|MarketEvent|Sector|Industry {generation: active.generation})
RETURN labels(n)[0] AS kind, count(*) AS number

// count_edges: edges of the active generation by relation, and whether they join two companies
MATCH (active:ActiveGeneration)
MATCH (n:Company|MarketEvent {generation: active.generation})-[r]->(other)
WHERE type(r) <> 'CORRELATED_WITH' OR r.live
RETURN type(r) AS relation, n:Company AND other:Company AS between_companies, count(*) AS number
