  -- rows: for each record {kind, id, moment, version, text, lists}: `text` belongs at `moment` (µs since 1970) into
  -- each of the lists. A list keeps the last KEPT ids by (moment, id), and of one id the greatest (moment,
  -- version). So what a list holds is a matter of what was ever said, in whatever order. Versions of one kind are
  -- of one length and compare as strings.
  local KEPT = 100
  local applied = 0
  for _, row in ipairs(rows) do
    local kind, id, moment, version, text, lists = unpack(row)
    local took = false
    for _, name in ipairs(lists) do
      local list = 'axiom:' .. kind .. ':' .. name
      local texts = 'axiom:' .. kind .. ':texts:' .. name
      local newer = true
      local held = tonumber(redis.call('ZSCORE', list, id) or nil)
      if held and held == tonumber(moment) then
        newer = string.sub(redis.call('HGET', texts, id) or '', 1, #version) < version
      elseif held then
        newer = held < tonumber(moment)
      end
      if newer then
        redis.call('ZADD', list, moment, id)
        redis.call('HSET', texts, id, version .. ' ' .. text)
        local dropped
        if redis.call('ZCARD', list) > KEPT then
          dropped = redis.call('ZPOPMIN', list)[1]
          redis.call('HDEL', texts, dropped)
        end
        took = took or dropped ~= id
      end
    end
    if took then
      applied = applied + 1
      notify('axiom:' .. kind, text)
    end
  end
  return applied
