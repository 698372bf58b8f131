-- take: raise a partition's epoch; one that is not known begins at $6
INSERT INTO sink_offsets AS held (consumer, topic, partition, topic_id, partitions, next_offset, epoch)
VALUES ($1, $2, $3, $4, $5, $6, 1)
ON CONFLICT (consumer, topic, partition) DO UPDATE SET epoch = held.epoch + 1, updated_at = now()
RETURNING partition, next_offset, epoch, topic_id, partitions, applied, superseded, dead_lettered,
    tableoid AS relation

-- relation: the offsets' table as its name is understood now, which a swap changes
SELECT to_regclass('sink_offsets')::oid AS relation

-- load: the positions of some partitions
SELECT partition, next_offset, epoch, topic_id, partitions, applied, superseded, dead_lettered
FROM sink_offsets WHERE consumer = $1 AND topic = $2 AND partition = ANY($3)

-- all_positions: every position of a consumer
SELECT topic, partition, next_offset, epoch, topic_id, partitions, applied, superseded, dead_lettered
FROM sink_offsets WHERE consumer = $1

-- fence: move the offset if epoch and offset are as expected; the first statement, so it locks the row
UPDATE sink_offsets
SET next_offset = $6, dead_lettered = dead_lettered + $7, updated_at = now()
WHERE consumer = $1 AND topic = $2 AND partition = $3 AND epoch = $4 AND next_offset = $5

-- count: what became of the batch's records
UPDATE sink_offsets SET applied = applied + $4, superseded = superseded + $5
WHERE consumer = $1 AND topic = $2 AND partition = $3

-- bury: remember the offsets that went to dead-letters
INSERT INTO dead_offsets (consumer, topic, partition, "offset", error_class)
SELECT $1, $2, $3, dead.* FROM unnest($4::bigint[], $5::text[]) AS dead
ON CONFLICT DO NOTHING

-- size: of the whole database
SELECT pg_database_size(current_database()) AS bytes

-- rows: about how many each table of the schema has, partitions counted as their table
SELECT coalesce(root.relname, stat.relname) AS kind, sum(stat.n_live_tup)::bigint AS rows
FROM pg_stat_user_tables AS stat LEFT JOIN pg_class AS root ON root.oid = pg_partition_root(stat.relid)
WHERE stat.schemaname = current_schema() GROUP BY 1
