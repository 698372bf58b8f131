-- Take partitions: raise each epoch; one that is not known begins at its start.
-- KEYS[1] the set of the consumer's offset hashes, then the hashes. ARGV: topic id, partition count, topic,
-- then partition and start for each hash.
local taken = {}
for number = 2, #KEYS do
  local key = KEYS[number]
  if redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, 'next_offset', ARGV[number * 2 + 1], 'epoch', '0', 'topic_id', ARGV[1],
      'partitions', ARGV[2], 'topic', ARGV[3], 'partition', ARGV[number * 2],
      'applied', '0', 'superseded', '0', 'dead_lettered', '0')
  end
  redis.call('SADD', KEYS[1], key)
  redis.call('HINCRBY', key, 'epoch', 1)
  taken[number - 1] = redis.call('HGETALL', key)
end
return taken
