-- Raise the epochs of a consumer's partitions; returns topic, partition and next offset of each.
-- KEYS[1] the set of the consumer's offset hashes, of which some may have been lost.
local found = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('EXISTS', key) == 1 then
    redis.call('HINCRBY', key, 'epoch', 1)
    found[#found + 1] = redis.call('HMGET', key, 'topic', 'partition', 'next_offset')
  end
end
return found
