-- Put the shadow database in the place of database 0, if nobody moved either of them since they were looked at.
-- KEYS[1] the set of the consumer's offset hashes, KEYS[2] the mark of a shadow. ARGV[1] the shadow's number,
-- ARGV[2] msgpack: by offset hash the live next offset, ARGV[3] msgpack: by offset hash the shadow's epoch and
-- next offset. All numbers are texts, as in the hashes.
local vector, filled = cmsgpack.unpack(ARGV[2]), cmsgpack.unpack(ARGV[3])
local live = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local held = redis.call('HMGET', key, 'next_offset', 'epoch')
  if (held[1] or nil) ~= vector[key] then
    return redis.error_reply('BEHIND ' .. key .. ' is at ' .. tostring(held[1]) .. ', at the fence it was at ' .. tostring(vector[key]))
  end
  live[key] = tonumber(held[2] or 0)
end
redis.call('SELECT', ARGV[1])
for key, place in pairs(filled) do
  local held = redis.call('HMGET', key, 'epoch', 'next_offset')
  if held[1] ~= place[1] or held[2] ~= place[2] then return redis.error_reply('FENCED the shadow changed hands') end
end
for key, place in pairs(filled) do
  redis.call('HSET', key, 'epoch', string.format('%d', math.max(live[key] or 0, tonumber(place[1])) + 1))
end
redis.call('DEL', KEYS[2])
redis.call('SELECT', 0)
redis.call('SWAPDB', 0, ARGV[1])
return 'OK'
