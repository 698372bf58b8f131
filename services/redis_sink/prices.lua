  -- rows: for each symbol {symbol, latest, windows}.
  -- latest: {version, flat fields and values of the hash, message for readers}
  -- windows: for each interval {interval, {start ms, member}, …}, the newest version of each bar, at most
  -- WINDOW of them. A member is "<version> <the record's JSON>"; a version is VERSION
  -- characters long and versions compare as strings.
  local WINDOW, VERSION = 120, 35
  local applied = 0
  for _, row in ipairs(rows) do
    local symbol, latest, windows = row[1], row[2], row[3]
    local latest_key = 'axiom:latest:' .. symbol
    local held_version = redis.call('HGET', latest_key, 'version')
    if not held_version or held_version < latest[1] then
      redis.call('DEL', latest_key)
      redis.call('HSET', latest_key, 'version', latest[1], unpack(latest[2]))
      notify('axiom:prices', latest[3])
    end
    for _, window in ipairs(windows) do
      local key = 'axiom:bars:' .. window[1] .. ':' .. symbol
      local bars = window[2]
      local first, last = bars[1][1], bars[#bars][1]
      local held = {}
      local members = redis.call('ZRANGEBYSCORE', key, first, last, 'WITHSCORES')
      for at = 1, #members, 2 do held[tonumber(members[at + 1])] = members[at] end
      local adds, drops, fresh = {}, {}, {}
      for _, bar in ipairs(bars) do
        local old = held[bar[1]]
        if not old or string.sub(old, 1, VERSION) < string.sub(bar[2], 1, VERSION) then
          if old then drops[#drops + 1] = old end
          adds[#adds + 1] = bar[1]
          adds[#adds + 1] = bar[2]
          fresh[bar[2]] = true
          applied = applied + 1
        end
      end
      if #drops > 0 then redis.call('ZREM', key, unpack(drops)) end
      if #adds > 0 then
        redis.call('ZADD', key, unpack(adds))
        local over = redis.call('ZCARD', key) - WINDOW
        if over > 0 then
          local popped = redis.call('ZPOPMIN', key, over)
          for at = 1, #popped, 2 do
            if fresh[popped[at]] then applied = applied - 1 end
          end
        end
      end
    end
  end
  return applied
