/**
 * The script that puts back what only operators know into a Redis that came back empty, from the memories of several routers,
 * of which some are newer than others. Runs behind the prelude of `redis-scripts.ts`.
 *
 * What was put back is kept beside it. Where Redis still has that, nobody has spoken since, and a router that read the lost
 * Redis later knows better; where it has not, an operator's word has changed it, and no memory comes before that.
 */

/**
 * mode, number of drains, 1 where it was kept on disk, when it was read, channel, then ids and values of drains, then of tokens
 * → OK | KNOWN: a memory as new was put back before, or nothing of this was lost | SPOKEN
 *
 * What was kept on disk may be old: it is not put back where operators have spoken or others have put theirs back since, as it
 * could bring back what was revoked meanwhile.
 */
export const restoreScript = `
local mode, count, fromDisk, at, channel = unpack(ARGV, 1, 5)
stamp()
local born = redis.call('HGET', meta, 'born')
local before = restoredInto(born)
if fromDisk == '1' and (before or redis.call('HEXISTS', meta, 'mode') == 1
  or redis.call('EXISTS', drains, tokens) > 0) then return {'SPOKEN'} end
if before and tonumber(at) <= before.at then return {'KNOWN'} end
before = before or {drains = {}, tokens = {}}
local function merge(key, had, from, to)
  local has = {}
  for i = from, to, 2 do
    local id, value = ARGV[i], ARGV[i + 1]
    has[id] = value
    if redis.call('HGET', key, id) == (had[id] or false) then redis.call('HSET', key, id, value) end
  end
  for id, value in pairs(had) do
    if not has[id] and redis.call('HGET', key, id) == value then redis.call('HDEL', key, id) end
  end
  return has
end
local tokensFrom = 6 + 2 * tonumber(count)
local restored = {born = born, at = tonumber(at), drains = merge(drains, before.drains, 6, tokensFrom - 1),
  tokens = merge(tokens, before.tokens, tokensFrom, #ARGV)}
-- Auto is what no mode means: written, it would keep out the mode of somebody who remembers better.
if mode ~= 'auto' then restored.mode = mode end
if redis.call('HGET', meta, 'mode') == (before.mode or false) then
  if restored.mode then redis.call('HSET', meta, 'mode', mode) else redis.call('HDEL', meta, 'mode') end
end
keepRestored(restored)
redis.call('PUBLISH', channel, 'tokens')
return {'OK'}`

/** For the prelude: how what was put back is kept. */
export const restoredFunctions = `
local function restoredInto(born)
  local found = redis.call('HGET', meta, 'restored')
  local known, restored = pcall(cjson.decode, found or '')
  if known and type(restored) == 'table' and restored.born == born then return restored end
  return nil
end
local function keepRestored(restored) redis.call('HSET', meta, 'restored', cjson.encode(restored)) end
`
