// relations: the edges between companies as the graph has them; rows: type, symbol at its start, symbol at its end
MATCH (active:ActiveGeneration)
UNWIND $rows AS row
MATCH (a:Company {generation: active.generation, symbol: row[1]})-[r]->
      (b:Company {generation: active.generation, symbol: row[2]})
WHERE type(r) = row[0]
RETURN type(r) AS relation, a.symbol AS subject, b.symbol AS object, r.version AS version,
       r.mutation_id AS mutation_id, r.cause AS cause, r.method AS method, r.model AS model,
       r.prompt_version AS prompt_version, r.evidence AS evidence, r.confidence AS confidence,
       r.cost_usd AS cost_usd
