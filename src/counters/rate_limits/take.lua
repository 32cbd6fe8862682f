-- One use against all windows of a key, in one step. The same rules as in track.rs.
-- KEYS: one list a window: the uses counted, then entries "latest first count" from the oldest to the newest.
-- ARGV: now, cost, then limit and seconds of each window. Times are microseconds; a double holds them exactly.
-- Answers for each window: the uses counted, when the last leaves, when there is room for the use, or 0 where there is.

local now, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local answer, fits = {}, true

local function entry_at(key, index)
  local text = redis.call('LINDEX', key, index)
  if not text then return nil end
  local latest, first, count = string.match(text, '^(%S+) (%S+) (%S+)$')
  return tonumber(latest), tonumber(first), tonumber(count)
end

-- tostring would round to 14 digits.
local function entry(latest, first, count)
  return string.format('%.0f %.0f %.0f', latest, first, count)
end

for i, key in ipairs(KEYS) do
  local limit, length = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i]) * 1000000
  local total = tonumber(redis.call('LINDEX', key, 0) or 0)
  local latest, _, count = entry_at(key, 1)
  if latest and latest + length <= now then
    redis.call('LPOP', key)
    while latest and latest + length <= now do
      total = total - count
      redis.call('LPOP', key)
      latest, _, count = entry_at(key, 0)
    end
    if latest then redis.call('LPUSH', key, string.format('%.0f', total)) end
  end
  local empty_at, room_at = now, 0
  if latest then
    empty_at = entry_at(key, -1) + length
  else
    total = 0
  end
  if cost > 0 and total + cost > limit then
    fits = false
    room_at = now
    if cost > limit then
      room_at = now + length
    else
      local left, index = total, 1
      while left + cost > limit do
        local leaves, _, uses = entry_at(key, index)
        if not leaves then break end
        left, room_at, index = left - uses, leaves + length, index + 1
      end
    end
  end
  answer[3 * i - 2], answer[3 * i - 1], answer[3 * i] = total, empty_at, room_at
end

if not fits or cost == 0 then return answer end

local added = {}
for i, key in ipairs(KEYS) do
  local length = tonumber(ARGV[2 + 2 * i]) * 1000000
  if not added[key] then
    added[key] = true
    local total = answer[3 * i - 2]
    local at = now
    if total == 0 then
      redis.call('DEL', key)
      redis.call('RPUSH', key, string.format('%.0f', cost), entry(at, at, cost))
    else
      local latest, first, count = entry_at(key, -1)
      at = math.max(now, latest)
      if at - first <= length / 256 then
        redis.call('LSET', key, -1, entry(at, first, count + cost))
      else
        redis.call('RPUSH', key, entry(at, at, cost))
      end
      redis.call('LSET', key, 0, string.format('%.0f', total + cost))
    end
    -- Instances' clocks may differ a little from the engine's: longer than needed.
    redis.call('PEXPIRE', key, length / 1000 * 2 + 60000)
    answer[3 * i - 1] = at + length
  end
  answer[3 * i - 2] = answer[3 * i - 2] + cost
  for j = 1, i - 1 do
    if KEYS[j] == key then answer[3 * i - 1] = answer[3 * j - 1] end
  end
end
return answer
