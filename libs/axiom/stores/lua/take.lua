-- Take partitions: raise each epoch; one that is not known begins at its start.
-- KEYS: offset hashes. ARGV: topic id, partition count, then each partition's start.
local taken = {}
for number, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 0 then
    redis.call('HSET', key, 'next_offset', ARGV[number + 2], 'epoch', '0', 'topic_id', ARGV[1],
      'partitions', ARGV[2], 'applied', '0', 'superseded', '0', 'dead_lettered', '0')
  end
  redis.call('HINCRBY', key, 'epoch', 1)
  taken[number] = redis.call('HGETALL', key)
end
return taken
