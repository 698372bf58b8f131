// company_constraint: one node for each company and generation
CREATE CONSTRAINT company_unique IF NOT EXISTS
FOR (c:Company) REQUIRE (c.generation, c.symbol) IS UNIQUE

// upsert_prices: rows are lists: symbol, version, price, volume, interval, ts, fetched_at (RFC 3339), source
UNWIND $rows AS row
MERGE (c:Company {generation: $generation, symbol: row[0]})
WITH c, row WHERE c.price_version IS NULL OR c.price_version < row[1]
SET c.price_version = row[1], c.price = row[2], c.volume = row[3], c.price_interval = row[4],
    c.price_ts = datetime(row[5]), c.price_fetched_at = datetime(row[6]), c.price_source = row[7]
RETURN count(*) AS applied
