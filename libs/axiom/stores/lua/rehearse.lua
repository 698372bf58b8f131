-- Run a sink's own part in a database of its own, then empty that database. ARGV[1] its number, ARGV[2] the
-- rows in msgpack.
local function notify(channel, message) end
local function write(rows)
--[[SINK]]
end
redis.call('SELECT', ARGV[1])
redis.call('FLUSHDB')
local applied = write(cmsgpack.unpack(ARGV[2]))
redis.call('FLUSHDB')
return applied
