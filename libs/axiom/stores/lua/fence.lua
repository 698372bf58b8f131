-- The frame of every sink script: check the fence, run the sink's own part, then move the offset.
-- KEYS[1] offset hash, KEYS[2] dead-offset hash. ARGV[1] msgpack: epoch, expected, next, good, dead pairs.
-- ARGV[2] msgpack: the sink's own rows. ARGV[3] '1' where `notify` may publish to readers. Redis runs a script alone and whole, so this is one atomic step.
local epoch, expected, next_offset, good, dead = unpack(cmsgpack.unpack(ARGV[1]))
local held = redis.call('HMGET', KEYS[1], 'epoch', 'next_offset')
if held[1] ~= epoch or held[2] ~= expected then
  return redis.error_reply('FENCED the store is at epoch ' .. tostring(held[1]) .. ', offset ' .. tostring(held[2]))
end
local function notify(channel, message)
  if ARGV[3] == '1' then redis.call('PUBLISH', channel, message) end
end
local function write(rows)
--[[SINK]]
end
local applied = 0
if good > 0 then applied = write(cmsgpack.unpack(ARGV[2])) end
for _, pair in ipairs(dead) do redis.call('HSET', KEYS[2], pair[1], pair[2]) end
redis.call('HSET', KEYS[1], 'next_offset', next_offset)
redis.call('HINCRBY', KEYS[1], 'applied', applied)
redis.call('HINCRBY', KEYS[1], 'superseded', good - applied)
redis.call('HINCRBY', KEYS[1], 'dead_lettered', #dead)
return applied
