-- has_market: whether postgres-sink has made its tables, and the functions that are asked below
SELECT to_regclass('market.price_bars') IS NOT NULL
    AND to_regprocedure('public.axiom_written_at(text)') IS NOT NULL AS there

-- months_ahead: partitions of bars for the month of $1 and the next $2
SELECT ensure_price_bars_month(
    (date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC') + make_interval(months => ahead))::date
) FROM generate_series(0, $2::int) AS ahead

-- left: schemas that rebuilds have left behind and nobody has written to since $2
SELECT nspname::text AS name FROM pg_namespace
WHERE (nspname IN ($1 || '_shadow', $1 || '_old') OR starts_with(nspname, $1 || '_building_'))
    AND coalesce(public.axiom_written_at(nspname::text), '-infinity') < $2
ORDER BY nspname

-- lock_schemas: let nobody else make, rename or drop schemas until the transaction's end
SELECT public.axiom_lock_schemas()

-- drop_schema: drop a schema with all it holds
SELECT public.axiom_drop_schema($1)

-- set_up: the packages that have made their tables
SELECT DISTINCT package FROM schema_migrations

-- vacuum: dead rows out, fresh statistics in, of every table that is ours; one that is locked waits for the next time
VACUUM (ANALYZE, SKIP_LOCKED)

-- dead_rows: how many there are
SELECT coalesce(sum(n_dead_tup), 0)::bigint AS dead_rows FROM pg_stat_user_tables
