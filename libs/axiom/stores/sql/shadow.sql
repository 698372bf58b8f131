-- fence: raise the epochs of a consumer; locks its offset rows, and writers that wait for them find another epoch
UPDATE sink_offsets SET epoch = epoch + 1 WHERE consumer = $1
RETURNING topic, partition, next_offset

-- filled: the positions of consumer $2 in schema $1, locked; none where there is no such schema
SELECT topic, partition, epoch, next_offset FROM public.axiom_lock_offsets($1, $2)

-- adopt_epochs: give the offset rows of schema $1 the epochs of schema $2, so that no epoch is used twice
SELECT public.axiom_adopt_epochs($1, $2)

-- lock_schemas: let nobody else rename or drop schemas until the transaction's end
SELECT public.axiom_lock_schemas()

-- rename_schema: rename schema $1 to $2
SELECT public.axiom_rename_schema($1, $2)

-- drop_schema: drop a schema with all it holds, if it exists
SELECT public.axiom_drop_schema($1)

-- schema_exists: one row if there is a schema of that name
SELECT 1 FROM pg_namespace WHERE nspname = $1

-- schemas: the schemas whose names begin with $1
SELECT nspname::text AS name FROM pg_namespace WHERE starts_with(nspname, $1) ORDER BY nspname
