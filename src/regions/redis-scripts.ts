/**
 * What happens inside Redis, as Lua scripts: each is one atomic step and one round trip.
 *
 * Keys are declared in full, so that the scripts run on a Cluster, too. Time is Redis' own. Every script refuses to touch
 * a fleet that is stamped with another schema version; those that write stamp a fleet that has none yet.
 */

import { restoredFunctions, restoreScript } from './redis-restore.ts'

/** Version of the layout below; rises when an older router could no longer read what is stored. */
export const schemaVersion = 1

/** Long after they mean nothing any more, so that a fleet without routers leaves no tolls behind. */
const tollsKeptMs = 600_000

/** Keys of a fleet, in the order in which every script gets them. */
export const keyNames = [
  ...['meta', 'regions', 'leases', 'loads', 'drains', 'tokens', 'routers'],
  ...['sums', 'demand', 'tolls', 'leader'],
] as const

/**
 * `leases` holds `epoch revision registeredAt expiresAt sequence`; `loads`, `drains`, `routers`, `sums` and `demand` a time and
 * then JSON; `tolls` a term, a time and then JSON; `leader` the name of a router.
 */
const prelude = `
local meta, regions, leases, loads, drains, tokens, routers, sums, demand, tolls, leader = unpack(KEYS)
local schema = redis.call('HGET', meta, 'schema')
if schema and schema ~= '${schemaVersion}' then return {'SCHEMA', schema} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
local function stamp()
  -- Epochs start from the time, so that they rise even over a Redis that has lost everything.
  if not schema then redis.call('HSET', meta, 'schema', '${schemaVersion}', 'born', whole(now), 'epoch', whole(now)) end
end
local function leaseOf(id)
  local text = redis.call('HGET', leases, id)
  if not text then return nil end
  local epoch, revision, registered, expires, sequence = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (-?%d+)$')
  if not epoch then return nil end
  return {epoch = tonumber(epoch), revision = tonumber(revision), registered = tonumber(registered),
    expires = tonumber(expires), sequence = tonumber(sequence)}
end
local function keepLease(id, lease)
  redis.call('HSET', leases, id, table.concat({whole(lease.epoch), whole(lease.revision), whole(lease.registered),
    whole(lease.expires), whole(lease.sequence)}, ' '))
end
local function specsChanged() redis.call('HINCRBY', meta, 'specs', 1) end
local function sayStamped(key, name, text, lives)
  redis.call('HSET', key, name, whole(now) .. ' ' .. text)
  redis.call('PEXPIRE', key, lives)
end
local function stampedOthers(key, name, lives)
  -- Names and values of all that live but this one; the others are cleared away.
  local found = {}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local at = tonumber(string.match(all[i + 1], '^(%d+) ')) or 0
    if now - at >= tonumber(lives) or at > now then
      redis.call('HDEL', key, all[i])
    elseif all[i] ~= name then
      table.insert(found, all[i])
      table.insert(found, all[i + 1])
    end
  end
  return found
end
local function capacityIn(report) return tonumber(string.match(report, '"capacityRequests":([%d.eE+-]+)')) end
local function capacityDiffers(before, after)
  if not before or not after then return before ~= after end
  return math.abs(after - before) > 0.1 * before
end
${restoredFunctions}`

export const scripts = {
  /** → OK, what INFO says of the memory: of the server that holds the fleet, whichever of a Cluster that is */
  stamp: `stamp() return {'OK', redis.call('INFO', 'memory')}`,

  /** id, specification, lease in ms, revision demanded or '', channel → OK epoch revision | REVISION found */
  register: `
local id, spec, duration, demanded, channel = unpack(ARGV)
local known = leaseOf(id) or {revision = 0, expires = 0}
if demanded ~= '' and tonumber(demanded) ~= known.revision then return {'REVISION', known.revision} end
stamp()
local same = known.revision > 0 and redis.call('HGET', regions, id) == spec
local epoch = redis.call('HINCRBY', meta, 'epoch', 1)
local revision = same and known.revision or epoch
if not same then
  redis.call('HSET', regions, id, spec)
  specsChanged()
end
keepLease(id, {epoch = epoch, revision = revision, registered = now, expires = now + duration, sequence = -1})
redis.call('HDEL', loads, id)
local renewed = same and now < known.expires
if not renewed then redis.call('PUBLISH', channel, 'registered ' .. id) end
return {'OK', epoch, revision, renewed and 1 or 0}`,

  /** id, epoch, sequence, lease in ms, report, channel → OK | UNKNOWN | EPOCH known | SEQUENCE known */
  heartbeat: `
local id, epoch, sequence, duration, report, channel = unpack(ARGV)
local known = leaseOf(id)
if not known or redis.call('HEXISTS', regions, id) == 0 then return {'UNKNOWN'} end
if tonumber(epoch) ~= known.epoch then return {'EPOCH', known.epoch} end
if tonumber(sequence) <= known.sequence then return {'SEQUENCE', known.sequence} end
local lapsed = now >= known.expires
local before = redis.call('HGET', loads, id)
known.sequence = tonumber(sequence)
known.expires = now + duration
keepLease(id, known)
redis.call('HSET', loads, id, whole(now) .. ' ' .. report)
if lapsed then redis.call('PUBLISH', channel, 'renewed ' .. id) end
if before and capacityDiffers(capacityIn(before), capacityIn(report)) then
  redis.call('PUBLISH', channel, 'capacity ' .. id)
end
return {'OK'}`,

  /** id, who and why as JSON, 1 where a file declares the region, channel → OK | UNKNOWN */
  drain: `
local id, drain, declared, channel = unpack(ARGV)
if declared == '0' and redis.call('HEXISTS', regions, id) == 0 then return {'UNKNOWN'} end
stamp()
redis.call('HSET', drains, id, whole(now) .. ' ' .. drain)
redis.call('PUBLISH', channel, 'draining ' .. id)
return {'OK'}`,

  /** id, 1 where a file declares the region, channel → OK | UNKNOWN */
  undrain: `
local id, declared, channel = unpack(ARGV)
if redis.call('HDEL', drains, id) == 1 then
  redis.call('PUBLISH', channel, 'undrained ' .. id)
elseif declared == '0' and redis.call('HEXISTS', regions, id) == 0 then
  return {'UNKNOWN'}
end
return {'OK'}`,

  /** id, 1 where a file declares the region, channel → OK | UNKNOWN */
  remove: `
local id, declared, channel = unpack(ARGV)
if redis.call('HDEL', regions, id) == 0 then return {'UNKNOWN'} end
specsChanged()
redis.call('HDEL', leases, id)
redis.call('HDEL', loads, id)
if declared == '0' then redis.call('HDEL', drains, id) end
redis.call('PUBLISH', channel, 'removed ' .. id)
return {'OK'}`,

  /** mode, by, channel → OK */
  setMode: `
local mode, by, channel = unpack(ARGV)
if (redis.call('HGET', meta, 'mode') or 'auto') == mode then return {'OK'} end
stamp()
redis.call('HSET', meta, 'mode', mode)
redis.call('PUBLISH', channel, 'mode ' .. mode .. ' ' .. by)
return {'OK'}`,

  /** id, token as JSON, channel → OK */
  addToken: `
local id, token, channel = unpack(ARGV)
stamp()
redis.call('HSET', tokens, id, token)
redis.call('PUBLISH', channel, 'tokens')
return {'OK'}`,

  /** id, channel → OK count */
  revokeToken: `
local id, channel = unpack(ARGV)
local count = redis.call('HDEL', tokens, id)
if count == 1 then redis.call('PUBLISH', channel, 'tokens') end
return {'OK', count}`,

  /**
   * state of the specifications that the reader has
   * → OK now state mode regions|false leases loads drains tokens routers tolls|false leader|false
   */
  read: `
if redis.call('EXISTS', regions) ~= redis.call('EXISTS', leases) then
  -- They come and go together: somebody has deleted one of them, which is to have lost all registrations.
  stamp()
  redis.call('HSET', meta, 'born', whole(now))
  redis.call('DEL', regions, leases, loads)
  -- What operators said is still here, and newer than what any router remembers of it.
  keepRestored({born = whole(now), at = now, drains = {}, tokens = {}})
end
local found = redis.call('HMGET', meta, 'born', 'specs', 'mode')
local state = (found[1] or '') .. ':' .. (found[2] or '0')
local specs = false
if state ~= ARGV[1] then specs = redis.call('HGETALL', regions) end
return {'OK', now, state, found[3] or 'auto', specs, redis.call('HGETALL', leases), redis.call('HGETALL', loads),
  redis.call('HGETALL', drains), redis.call('HGETALL', tokens), redis.call('HGETALL', routers),
  redis.call('GET', tolls), redis.call('GET', leader)}`,

  /** its name, what it says of itself as JSON, how long that is believed in ms → OK now */
  announce: `
local name, presence, lives = unpack(ARGV)
stamp()
redis.call('HSET', routers, name, whole(now) .. ' ' .. presence)
redis.call('PEXPIRE', routers, lives)
local all = redis.call('HGETALL', routers)
for i = 1, #all, 2 do
  local at = tonumber(string.match(all[i + 1], '^(%d+) ')) or 0
  if now - at >= tonumber(lives) then redis.call('HDEL', routers, all[i]) end
end
return {'OK', now}`,

  /** its name, how long what follows is believed in ms, its sums as JSON, the same for its demand or '' → OK now others */
  share: `
local name, lives, said, demandLives, demanded = unpack(ARGV)
stamp()
sayStamped(sums, name, said, lives)
if demanded ~= '' then sayStamped(demand, name, demanded, demandLives) end
return {'OK', now, stampedOthers(sums, name, lives)}`,

  /** its name, how long a demand is believed in ms → OK now others */
  demands: `
local name, lives = unpack(ARGV)
return {'OK', now, stampedOthers(demand, name, lives)}`,

  /** its name, for how long in ms → OK term | OTHER */
  lead: `
local name, lasts = unpack(ARGV)
stamp()
if redis.call('SET', leader, name, 'NX', 'PX', lasts) then return {'OK', redis.call('HINCRBY', meta, 'term', 1)} end
if redis.call('GET', leader) ~= name then return {'OTHER'} end
redis.call('PEXPIRE', leader, lasts)
return {'OK', tonumber(redis.call('HGET', meta, 'term')) or redis.call('HINCRBY', meta, 'term', 1)}`,

  /** its name, its term, tolls as JSON → OK | OTHER */
  setTolls: `
local name, term, prices = unpack(ARGV)
if redis.call('GET', leader) ~= name or redis.call('HGET', meta, 'term') ~= term then return {'OTHER'} end
redis.call('SET', tolls, term .. ' ' .. whole(now) .. ' ' .. prices, 'PX', ${tollsKeptMs})
return {'OK'}`,

  /** its name → OK */
  leave: `
local name = ARGV[1]
if redis.call('GET', leader) == name then redis.call('DEL', leader) end
redis.call('HDEL', sums, name)
redis.call('HDEL', demand, name)
return {'OK'}`,

  restore: restoreScript,
} as const

export type ScriptName = keyof typeof scripts

/** The whole text of a script. */
export function scriptText(name: ScriptName): string {
  return prelude + scripts[name]
}
