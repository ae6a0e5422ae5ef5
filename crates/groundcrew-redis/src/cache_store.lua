-- Puts a value over the version that its putter has seen, unless something was put or removed since.
-- KEYS[1]: the key. ARGV: the version that was seen, the value, for how many milliseconds.
-- A version is the first 8 bytes of a value. Returns whether the value was put.
local there = redis.pcall('GETRANGE', KEYS[1], 0, 7)
if type(there) == 'table' then
  -- A value of another type is not ours, and gives way as it does to SET.
  if not string.find(there.err, 'WRONGTYPE', 1, true) then
    return there
  end
  there = ''
end
if there ~= '' and there ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
