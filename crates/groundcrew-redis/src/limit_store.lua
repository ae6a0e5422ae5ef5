-- The generic cell rate algorithm over one key, in whole microseconds of the server's clock.
-- KEYS[1]: when the key is rested. ARGV: interval of one unit, burst, cost.
-- Returns whether the cost was taken, and how far from rested the key is now.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tolerance = interval * burst
local rested_at = tonumber(redis.call('GET', KEYS[1]) or '0')
-- A server whose clock was set back, or a replica's that differs, costs at most one rest.
local debt = math.min(math.max(rested_at - now, 0), tolerance)
local wanted = debt + interval * cost
if wanted > tolerance then
  return {0, debt}
end
if cost > 0 then
  -- `%.0f`: Lua would write a number of this size in scientific notation.
  redis.call('SET', KEYS[1], string.format('%.0f', now + wanted), 'PX', math.ceil(wanted / 1000))
end
return {1, wanted}
