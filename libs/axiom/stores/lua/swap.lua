-- Put the shadow database in the place of database 0, if it is as far in every partition.
-- KEYS[1] the set of the consumer's offset hashes, KEYS[2] the mark of a shadow. ARGV[1] the shadow's number,
-- ARGV[2] '1' where it may be behind.
local live = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  live[key] = redis.call('HMGET', key, 'next_offset', 'epoch')
end
redis.call('SELECT', ARGV[1])
for key, held in pairs(live) do
  local offset = redis.call('HGET', key, 'next_offset')
  if ARGV[2] ~= '1' and (not offset or tonumber(offset) < tonumber(held[1])) then
    return redis.error_reply('BEHIND ' .. key .. ' is at ' .. tostring(offset) .. ', the live one at ' .. held[1])
  end
end
for key, held in pairs(live) do
  if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'epoch', string.format('%d', tonumber(held[2]) + 1)) end
end
redis.call('DEL', KEYS[2])
redis.call('SELECT', 0)
redis.call('SWAPDB', 0, ARGV[1])
return 'OK'
