-- Raise the epochs of a consumer's partitions; returns topic, partition and next offset of each.
-- KEYS[1] the set of the consumer's offset hashes.
local found = {}
for number, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  redis.call('HINCRBY', key, 'epoch', 1)
  found[number] = redis.call('HMGET', key, 'topic', 'partition', 'next_offset')
end
return found
