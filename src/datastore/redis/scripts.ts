/**
 * The steps of a store that must not mix, as Lua that Redis runs one after the other. A store's keys, all under
 * `imp:{NAME}:`, so that a Redis Cluster keeps them in one place:
 *
 *   v  hash: key → row as JSON          i  hash: key → its index entries as JSON
 *   x  sorted set: key → when it expires, in milliseconds
 *   n:ENTRY  set: keys under an index entry          e  stream: what happened, for watchers
 *
 * KEYS[1] is the prefix. ARGV[1] is the time in milliseconds, or '' for that of Redis.
 */
const PRELUDE = `
local base = KEYS[1]
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
local EVENTS_KEPT = 10000
local function tell(kind, key, value, previous)
  redis.call('XADD', base .. 'e', 'MAXLEN', '~', EVENTS_KEPT, '*', 'k', kind, 'r', key, 'v', value or '', 'p', previous or '')
end
local function unindex(key)
  local entries = redis.call('HGET', base .. 'i', key)
  if not entries then return end
  for _, entry in ipairs(cjson.decode(entries)) do redis.call('SREM', base .. 'n:' .. entry, key) end
  redis.call('HDEL', base .. 'i', key)
end
local function remove(kind, key, value)
  unindex(key)
  redis.call('HDEL', base .. 'v', key)
  redis.call('ZREM', base .. 'x', key)
  tell(kind, key, nil, value)
end
local function is_over(key)
  local at = redis.call('ZSCORE', base .. 'x', key)
  return at and tonumber(at) <= now
end
local function find(key)
  local value = redis.call('HGET', base .. 'v', key)
  if value and is_over(key) then
    remove('expire', key, value)
    return nil
  end
  return value or nil
end
local function expire(key, life)
  if life == '' then redis.call('ZREM', base .. 'x', key)
  else redis.call('ZADD', base .. 'x', now + tonumber(life), key) end
end
local function sweep(limit)
  local over = redis.call('ZRANGEBYSCORE', base .. 'x', '-inf', now, 'LIMIT', 0, limit)
  for _, key in ipairs(over) do
    local value = redis.call('HGET', base .. 'v', key)
    if value then remove('expire', key, value) else redis.call('ZREM', base .. 'x', key) end
  end
  return #over
end
local function left(key)
  local at = redis.call('ZSCORE', base .. 'x', key)
  return at and tostring(tonumber(at) - now) or ''
end
`;

/** Each: Lua, and what it answers. */
export const SCRIPTS = {
  /** key, value, life, entries, most rows, `put` or `absent` → the row that stood there (absent), 'FULL', or nil. */
  impPut: `${PRELUDE}
local key, value, life, entries, most, mode = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local old = find(key)
if old and mode == 'absent' then return {'stood', old} end
if not old and most ~= '' and redis.call('HLEN', base .. 'v') >= tonumber(most) then
  sweep(1000)
  if redis.call('HLEN', base .. 'v') >= tonumber(most) then return {'full'} end
end
if old then unindex(key) end
redis.call('HSET', base .. 'v', key, value)
local list = cjson.decode(entries)
redis.call('HSET', base .. 'i', key, entries)
for _, entry in ipairs(list) do redis.call('SADD', base .. 'n:' .. entry, key) end
expire(key, life)
tell('put', key, value, old)
return {'put'}`,
  /** key → row or nil */
  impGet: `${PRELUDE}
local value = redis.call('HGET', base .. 'v', ARGV[2])
if not value or is_over(ARGV[2]) then return false end
return value`,
  /** key, life → 1 or 0 */
  impTouch: `${PRELUDE}
if not find(ARGV[2]) then return 0 end
expire(ARGV[2], ARGV[3])
return 1`,
  /** key → row or nil */
  impDelete: `${PRELUDE}
local value = find(ARGV[2])
if not value then return false end
remove('delete', ARGV[2], value)
return value`,
  /** entry → key, row, milliseconds left, key … */
  impQuery: `${PRELUDE}
local found = {}
for _, key in ipairs(redis.call('SMEMBERS', base .. 'n:' .. ARGV[2])) do
  local value = redis.call('HGET', base .. 'v', key)
  if value and not is_over(key) then
    found[#found + 1] = key
    found[#found + 1] = value
    found[#found + 1] = left(key)
  end
end
return found`,
  /** keys … → key, row, milliseconds left, key … */
  impRows: `${PRELUDE}
local found = {}
for place = 2, #ARGV do
  local key = ARGV[place]
  local value = redis.call('HGET', base .. 'v', key)
  if value and not is_over(key) then
    found[#found + 1] = key
    found[#found + 1] = value
    found[#found + 1] = left(key)
  end
end
return found`,
  /** → rows that have not expired */
  impSize: `${PRELUDE}
return redis.call('HLEN', base .. 'v') - redis.call('ZCOUNT', base .. 'x', '-inf', now)`,
  /** most at once → how many expired, rows left, milliseconds until the next one or '' */
  impSweep: `${PRELUDE}
local count = sweep(tonumber(ARGV[2]))
local next = redis.call('ZRANGE', base .. 'x', 0, 0, 'WITHSCORES')
return {count, redis.call('HLEN', base .. 'v'), next[2] and tostring(math.max(0, tonumber(next[2]) - now)) or ''}`,
} as const;

export type ScriptName = keyof typeof SCRIPTS;

/** Prefix of a store's keys. */
export function prefixOf(store: string): string {
  return `imp:{${store}}:`;
}
