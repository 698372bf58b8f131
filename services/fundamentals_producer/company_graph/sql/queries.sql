-- turns: when each company had its turn
SELECT symbol, visited_at FROM company_visits

-- note: these have had their turn
INSERT INTO company_visits (symbol, visited_at, cause, partition, next_offset, said_from, checked_at)
SELECT symbol, $2::timestamptz, cause, partition, next_offset, $6::bigint[],
       CASE WHEN cause IS NULL THEN $2::timestamptz END
FROM unnest($1::text[], $3::text[], $4::int[], $5::bigint[]) AS given (symbol, cause, partition, next_offset)
ON CONFLICT (symbol) DO UPDATE
    SET visited_at = excluded.visited_at, cause = excluded.cause, partition = excluded.partition,
        next_offset = excluded.next_offset, said_from = excluded.said_from, checked_at = excluded.checked_at,
        relations = NULL, faults = NULL

-- waiting: whose relations have not been checked yet
SELECT symbol, visited_at, cause, partition, next_offset, said_from
FROM company_visits WHERE checked_at IS NULL ORDER BY symbol

-- checked: what the check found; a visit that is newer than that stays as it is
UPDATE company_visits AS held
SET checked_at = $1::timestamptz, relations = given.relations, faults = given.faults
FROM unnest($2::text[], $3::text[], $4::int[], $5::int[]) AS given (symbol, cause, relations, faults)
WHERE held.symbol = given.symbol AND held.cause = given.cause
