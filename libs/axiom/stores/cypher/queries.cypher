// generation: the active generation; the first one is made where there is none
MERGE (active:ActiveGeneration {name: 'graph'})
ON CREATE SET active.generation = 1
RETURN active.generation AS generation

// offset_constraint: one offset node for each consumer, partition and generation
CREATE CONSTRAINT sink_offset_unique IF NOT EXISTS
FOR (o:SinkOffset) REQUIRE (o.generation, o.consumer, o.topic, o.partition) IS UNIQUE

// lock_constraint: one lock node beside each offset node. Neo4j deadlocks where a transaction changes a node
// twice that another waits for, so what is waited for is a node that each transaction changes once.
CREATE CONSTRAINT sink_lock_unique IF NOT EXISTS
FOR (l:SinkLock) REQUIRE (l.generation, l.consumer, l.topic, l.partition) IS UNIQUE

// dead_constraint: one node for each dead-lettered offset
CREATE CONSTRAINT dead_offset_unique IF NOT EXISTS
FOR (d:DeadOffset) REQUIRE (d.generation, d.consumer, d.topic, d.partition, d.offset) IS UNIQUE

// generation_lock_constraint: one node to wait at for who begins or activates a generation
CREATE CONSTRAINT generation_lock_unique IF NOT EXISTS
FOR (l:GenerationLock) REQUIRE l.name IS UNIQUE

// active_constraint: one node names the active generation
CREATE CONSTRAINT active_generation_unique IF NOT EXISTS
FOR (a:ActiveGeneration) REQUIRE a.name IS UNIQUE

// take: raise a partition's epoch; one that is not known begins at $start
MERGE (l:SinkLock {generation: $generation, consumer: $consumer, topic: $topic, partition: $partition})
SET l.held = true
WITH l
MERGE (o:SinkOffset {generation: $generation, consumer: $consumer, topic: $topic, partition: $partition})
ON CREATE SET o.epoch = 0, o.next_offset = $start, o.topic_id = $topic_id, o.partitions = $partitions,
              o.applied = 0, o.superseded = 0, o.dead_lettered = 0
SET o.epoch = o.epoch + 1
RETURN o {.*} AS offset

// load: the positions of some partitions
MATCH (o:SinkOffset {generation: $generation, consumer: $consumer, topic: $topic})
WHERE o.partition IN $partitions
RETURN o {.*} AS offset

// all_positions: every position of a consumer in one generation; null: the active one
OPTIONAL MATCH (active:ActiveGeneration {name: 'graph'})
WITH coalesce($generation, active.generation) AS generation
MATCH (o:SinkOffset {generation: generation, consumer: $consumer})
RETURN o {.*} AS offset

// lock: lock the partition, so that the fence that follows reads the committed state
MATCH (l:SinkLock {generation: $generation, consumer: $consumer, topic: $topic, partition: $partition})
SET l.held = true
WITH l
MATCH (o:SinkOffset {generation: $generation, consumer: $consumer, topic: $topic, partition: $partition})
RETURN o.epoch AS epoch, o.next_offset AS next_offset

// move: move the offset and count what became of the batch's records
MATCH (o:SinkOffset {generation: $generation, consumer: $consumer, topic: $topic, partition: $partition})
SET o.next_offset = $next_offset, o.applied = o.applied + $applied,
    o.superseded = o.superseded + $superseded, o.dead_lettered = o.dead_lettered + $dead_lettered

// fenced_upsert: lock, fence, the query that stands in for UPSERT, and move; no row where the fence holds
MATCH (l:SinkLock {generation: $generation, consumer: $consumer, topic: $topic, partition: $partition})
SET l.held = true
WITH l
MATCH (o:SinkOffset {generation: $generation, consumer: $consumer, topic: $topic, partition: $partition})
WHERE o.epoch = $epoch AND o.next_offset = $expected_offset
CALL () {
UPSERT
}
SET o.next_offset = $next_offset, o.applied = o.applied + applied,
    o.superseded = o.superseded + $records - applied
RETURN applied

// bury: remember the offsets that went to dead-letters
UNWIND $dead AS row
MERGE (d:DeadOffset {generation: $generation, consumer: $consumer, topic: $topic, partition: $partition,
                     offset: row[0]})
SET d.error_class = row[1]

// no_census: a store whose sink counts nothing
UNWIND [] AS row RETURN row AS kind, 0 AS count
