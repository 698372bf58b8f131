// resume: the generation that an unfinished rebuild was filling
MATCH (s:ShadowGeneration {name: 'graph'}) RETURN s.generation AS generation

// begin: a new generation to fill
MERGE (l:GenerationLock {name: 'graph'}) SET l.held = true
WITH l
MATCH (a:ActiveGeneration {name: 'graph'})
SET a.last = coalesce(a.last, a.generation) + 1
MERGE (s:ShadowGeneration {name: 'graph'})
SET s.generation = a.last
RETURN s.generation AS generation

// lock: name the active generation, and let nobody begin or activate one until the transaction's end
MERGE (l:GenerationLock {name: 'graph'}) SET l.held = true
WITH l
MATCH (a:ActiveGeneration {name: 'graph'})
RETURN a.generation AS generation

// kept: generations that are to stay: the active one, the one being filled, those as of a time
MATCH (n) WHERE n:ActiveGeneration OR n:ShadowGeneration OR n:AsOfGeneration
RETURN collect(n.generation) AS generations

// stale: generations that nodes carry and nobody names
MATCH (o:SinkOffset) WHERE NOT o.generation IN $kept
RETURN DISTINCT o.generation AS generation

// bar: whoever still writes a generation is fenced from now on
MATCH (l:SinkLock {generation: $generation})
WITH l ORDER BY l.consumer, l.topic, l.partition SET l.held = true
WITH count(l) AS locked
MATCH (o:SinkOffset {generation: $generation}) SET o.epoch = o.epoch + 1

// forget: there is no rebuild under way
MATCH (s:ShadowGeneration {name: 'graph'}) DELETE s

// forget_own: this rebuild is not under way
MATCH (s:ShadowGeneration {name: 'graph', generation: $shadow}) DELETE s

// delete_nodes: delete a generation's nodes with their relations, its offsets last, in batches
MATCH (n) WHERE n.generation = $generation AND NOT n:SinkOffset AND NOT n:ActiveGeneration
  AND NOT n:ShadowGeneration AND NOT n:AsOfGeneration
CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS

// delete_offsets: delete a generation's offset nodes
MATCH (o:SinkOffset {generation: $generation}) DELETE o

// fence: lock the partitions of a consumer and raise their epochs
MATCH (l:SinkLock {generation: $live, consumer: $consumer})
WITH l ORDER BY l.topic, l.partition SET l.held = true
WITH count(l) AS locked
MATCH (o:SinkOffset {generation: $live, consumer: $consumer})
SET o.epoch = o.epoch + 1
RETURN o.topic AS topic, o.partition AS partition, o.next_offset AS next_offset

// claim: one row if the generation is still the one being filled; it is named so no longer
MATCH (s:ShadowGeneration {name: 'graph', generation: $shadow}) DELETE s
RETURN $shadow AS generation

// filled: the positions of the generation's offset nodes, locked
MATCH (l:SinkLock {generation: $shadow, consumer: $consumer})
WITH l ORDER BY l.topic, l.partition SET l.held = true
WITH count(l) AS locked
MATCH (o:SinkOffset {generation: $shadow, consumer: $consumer})
RETURN o.topic AS topic, o.partition AS partition, o.epoch AS epoch, o.next_offset AS next_offset

// adopt_epochs: raise the shadow's epochs above the live ones', so that no epoch is used twice
MATCH (theirs:SinkOffset {generation: $live, consumer: $consumer})
MATCH (mine:SinkOffset {generation: $shadow, consumer: $consumer, topic: theirs.topic,
                        partition: theirs.partition})
SET mine.epoch = CASE WHEN mine.epoch > theirs.epoch THEN mine.epoch ELSE theirs.epoch END + 1

// activate: from now on readers and writers take the shadow
MATCH (a:ActiveGeneration {name: 'graph'}) SET a.generation = $shadow

// forget_building: there is no state as of a time being built
MATCH (s:AsOfGeneration {name: 'building'}) DELETE s

// begin_building: a new generation for a state as of a time
MERGE (l:GenerationLock {name: 'graph'}) SET l.held = true
WITH l
MATCH (a:ActiveGeneration {name: 'graph'})
SET a.last = coalesce(a.last, a.generation) + 1
CREATE (s:AsOfGeneration {name: 'building', generation: a.last})
RETURN s.generation AS generation

// finish_building: keep what was built under a name, in the place of an earlier one; no row if it is gone
MATCH (built:AsOfGeneration {name: 'building', generation: $built})
OPTIONAL MATCH (earlier:AsOfGeneration {name: $name})
SET built.name = $name
DELETE earlier
RETURN $built AS generation

// snapshots: the finished states as of a time
MATCH (s:AsOfGeneration) WHERE s.name <> 'building'
RETURN s.name AS name, s.generation AS generation ORDER BY name

// forget_snapshot: one of them is no longer wanted
MATCH (s:AsOfGeneration {name: $name}) DELETE s
