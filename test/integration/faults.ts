/**
 * What can happen to a shared fleet, one fault each: brought about, waited for until both routers answer as they should,
 * and healed. A fault throws when something hangs; what it found is in its findings.
 */

import type { Random } from '../../src/clock.ts'
import { randomInteger } from '../support/seeded-random.ts'
import type { TrialAgent, TrialFleet, TrialRouter } from './fleet.ts'
import type { Traffic } from './traffic.ts'
import { callControl, eventually, missesStore, onEach, untilWhole, type View, viewOf } from './views.ts'
import { startWriter, type Writes } from './writer.ts'

export interface Trial {
  readonly fleet: TrialFleet
  readonly traffic: Traffic
  readonly random: Random
  /** How long the store or the way to it is away, ms; more than a lease, to be worth anything. */
  readonly awayMs: number
  /** What a fault has begun in the background ends with it, however it ends. */
  readonly over: AbortSignal
}

/** All times in ms. */
export interface Findings {
  /** From the fault until both routers answered accordingly. */
  readonly agreeMs?: number
  /** Between the first router that did and the second. */
  readonly apartMs?: number
  /** After its end, until a lease had lapsed in each router's answers. */
  readonly lapseLateMs?: readonly number[]
  /** From the end of the fault until both routers had and used all regions again. */
  readonly wholeAgainMs?: number
  /** Regions that a router gave up for a while though their services were well; each costs some clients a longer way. */
  readonly givenUp?: readonly string[]
  readonly writes?: Writes
  /** What should have been there, or have happened, and was not. */
  readonly broken: readonly string[]
}

export type Fault = (trial: Trial) => Promise<Findings>

export const faults: Readonly<Record<string, Fault>> = {
  'an agent is killed': trial => silence(trial, 'SIGKILL', agent => agent.start()),
  'an agent is stopped and continued': trial => silence(trial, 'SIGSTOP', agent => agent.signal('SIGCONT')),
  'a region is drained': drainAndUndrain,
  'Redis is killed and comes back empty': trial => loseRedis(trial, trial.awayMs),
  'Redis is full': fillRedis,
  'Redis is paused': pauseRedis,
  'one router is cut off from Redis': trial => spoilOne(trial, 'cut'),
  "one router's connection to Redis stalls": trial => spoilOne(trial, 'stall'),
  "one router's connection to Redis is slow": slowOne,
}

/** An agent falls silent: the region leaves both routers' answers when its lease ends, and comes back. */
async function silence(
  { fleet, random }: Trial,
  signal: 'SIGKILL' | 'SIGSTOP',
  revive: (agent: TrialAgent) => void,
): Promise<Findings> {
  const { routers } = fleet
  const agent = pick(fleet, random)
  agent.signal(signal)
  const silentAt = performance.now()
  const askedAt = performance.now()
  const { body } = await callControl(routers[0], 'GET', `/v1/regions/${agent.id}`)
  // At the earliest: a lapse looks later than it was by what the answer took, never sooner.
  const leaseEndsAt = askedAt + body.lease!.expiresInMs
  const seen = await onEach(routers, `${agent.id} has lapsed`, ({ rejected }) => rejected.get(agent.id) === 'lease')
  const revivedAt = performance.now()
  revive(agent)
  return {
    ...agreement(silentAt, seen),
    lapseLateMs: seen.map(at => at - leaseEndsAt),
    wholeAgainMs: (await untilWhole(fleet)) - revivedAt,
    broken: seen.some(at => at < leaseEndsAt - roundingMs) ? [`${agent.id} lapsed before its lease ended`] : [],
  }
}
/** Redis keeps whole ms, and so does what is left of a lease. */
const roundingMs = 5

/** Drained through one router, undrained through the other; once both know, no new client comes. */
async function drainAndUndrain({ fleet, traffic, random }: Trial): Promise<Findings> {
  const { routers } = fleet
  const { id } = pick(fleet, random)
  const drainedAt = performance.now()
  await drain(routers[0], id)
  const seen = await onEach(routers, `${id} is drained`, view => isDrained(view, id))
  const knownAt = performance.now()
  await traffic.another()
  const strays = traffic.requests.filter(({ at, region }) => at > knownAt && region === id)
  const undrainedAt = performance.now()
  await undrain(routers[1], id)
  return {
    ...agreement(drainedAt, seen),
    wholeAgainMs: (await untilWhole(fleet)) - undrainedAt,
    broken: strays.map(({ router }) => `${router} sent a client to ${id}, which was drained`),
  }
}

/** Killed with a drain in it; both routers go on as before, and the empty one gets everything back. */
export async function loseRedis(trial: Trial, awayMs: number): Promise<Findings> {
  const { fleet, random, over } = trial
  const { routers, redis } = fleet
  const { id } = pick(fleet, random)
  await drain(routers[1], id)
  await onEach(routers, `${id} is drained`, view => isDrained(view, id))
  const watch = watchViews(routers, over)
  await redis.kill()
  const writer = startWriter(trial)
  await Promise.all(routers.map(untilMissing))
  await writer.untilRefused(routers)
  await wait(awayMs)
  const dropped = await watch.stop()
  const watchAfter = watchViews(routers, over)
  const backAt = performance.now()
  await redis.start()
  const known = await Promise.all(
    routers.map(router =>
      eventually(
        `${router.name} reads the store again`,
        () => missesStore(router),
        misses => !misses,
      ),
    ),
  )
  const lost = await writer.finish()
  const drains = await Promise.all(routers.map(viewOf))
  const forgotten = drains.some(view => !isDrained(view, id)) ? [`the drain of ${id} was lost`] : []
  await undrain(routers[0], id)
  return {
    ...agreement(backAt, known),
    wholeAgainMs: (await untilWhole(fleet)) - backAt,
    givenUp: await watchAfter.stop(),
    writes: writer.writes,
    broken: [...dropped, ...lost, ...forgotten],
  }
}

/** No memory, no eviction: heartbeats are refused, so that every lease ends; and no region may be given up for that. */
async function fillRedis(trial: Trial): Promise<Findings> {
  const { fleet, awayMs, over } = trial
  const { routers, redis } = fleet
  const watch = watchViews(routers, over)
  const fullAt = performance.now()
  redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  const writer = startWriter(trial)
  const seen = await Promise.all(routers.map(untilMissing))
  await writer.untilRefused(routers)
  await wait(awayMs)
  const dropped = await watch.stop()
  const watchAfter = watchViews(routers, over)
  redis.cli('CONFIG', 'SET', 'maxmemory', '0')
  const roomAt = performance.now()
  const lost = await writer.finish()
  return {
    ...agreement(fullAt, seen),
    wholeAgainMs: (await untilWhole(fleet)) - roomAt,
    givenUp: await watchAfter.stop(),
    writes: writer.writes,
    broken: [...dropped, ...lost],
  }
}

/** `CLIENT PAUSE`: it is there, and answers nobody until it is over. */
async function pauseRedis(trial: Trial): Promise<Findings> {
  const { fleet, awayMs, over } = trial
  const { routers, redis } = fleet
  const watch = watchViews(routers, over)
  const pausedAt = performance.now()
  // Long enough that both routers notice on a busy machine, too.
  const pauseMs = Math.max(awayMs, 4_000)
  redis.cli('CLIENT', 'PAUSE', `${pauseMs}`, 'ALL')
  const writer = startWriter(trial)
  const seen = await Promise.all(routers.map(untilMissing))
  await wait(pausedAt + pauseMs - performance.now())
  const dropped = await watch.stop()
  const watchAfter = watchViews(routers, over)
  const overAt = performance.now()
  const lost = await writer.finish()
  return {
    ...agreement(pausedAt, seen),
    wholeAgainMs: (await untilWhole(fleet)) - overAt,
    givenUp: await watchAfter.stop(),
    writes: writer.writes,
    broken: [...dropped, ...lost],
  }
}

/** The other router goes on alone; what happened there meanwhile is known here as soon as the way is free. */
async function spoilOne(trial: Trial, manner: 'cut' | 'stall'): Promise<Findings> {
  const { fleet, random, awayMs, over } = trial
  const [whole, alone] = random() < 0.5 ? fleet.routers : (fleet.routers.toReversed() as [TrialRouter, TrialRouter])
  const { id } = pick(fleet, random)
  const watch = watchViews([alone], over)
  alone.redisProxy[manner]()
  const writer = startWriter(trial)
  await untilMissing(alone)
  await drain(whole, id)
  await writer.untilRefused([alone])
  await wait(awayMs)
  const dropped = await watch.stop()
  alone.redisProxy.heal()
  const freeAt = performance.now()
  const seen = await onEach([alone], `${id} is drained`, view => isDrained(view, id))
  const lost = await writer.finish()
  const undrainedAt = performance.now()
  await undrain(alone, id)
  return {
    ...agreement(freeAt, seen),
    wholeAgainMs: (await untilWhole(fleet)) - undrainedAt,
    writes: writer.writes,
    broken: [...dropped, ...lost],
  }
}

/** Slower than any real network, and still fast enough for every command to be answered in time. */
const slowMs = 150

async function slowOne({ fleet, random }: Trial): Promise<Findings> {
  const { id } = pick(fleet, random)
  const [quick, slow] = fleet.routers
  slow.redisProxy.delay(slowMs)
  const drainedAt = performance.now()
  await drain(quick, id)
  const seen = await onEach(fleet.routers, `${id} is drained`, view => isDrained(view, id))
  await undrain(quick, id)
  slow.redisProxy.heal()
  const undrainedAt = performance.now()
  return { ...agreement(drainedAt, seen), wholeAgainMs: (await untilWhole(fleet)) - undrainedAt, broken: [] }
}

function pick({ agents }: TrialFleet, random: Random): TrialAgent {
  return agents[randomInteger(random, agents.length)]!
}

async function drain(router: TrialRouter, id: string): Promise<void> {
  const { status, body } = await callControl(router, 'POST', `/v1/regions/${id}/drain`, { reason: 'a trial' })
  if (status !== 200) throw new Error(`${router.name} did not drain ${id}: ${status} ${JSON.stringify(body)}`)
}

/** Until it is done: on a busy machine a store that has just come back may still miss its deadline. */
async function undrain(router: TrialRouter, id: string): Promise<void> {
  const call = () => callControl(router, 'POST', `/v1/regions/${id}/undrain`)
  await eventually(`${router.name} undrains ${id}`, call, ({ status }) => status === 200)
}

function isDrained({ rejected }: View, id: string): boolean {
  return rejected.get(id) === 'drained'
}

function untilMissing(router: TrialRouter): Promise<number> {
  return eventually(
    `${router.name} misses the store`,
    () => missesStore(router),
    misses => misses,
  )
}

function agreement(since: number, seen: readonly number[]): { agreeMs: number; apartMs?: number } {
  const latest = Math.max(...seen)
  return { agreeMs: latest - since, ...(seen.length > 1 && { apartMs: latest - Math.min(...seen) }) }
}

/** Notes every region that a router gives up while it is watched. */
function watchViews(routers: readonly TrialRouter[], over: AbortSignal): { stop(): Promise<readonly string[]> } {
  const dropped = new Set<string>()
  let stopped = false
  const watch = async (router: TrialRouter): Promise<void> => {
    const before = await viewOf(router)
    while (!stopped && !over.aborted) {
      const { usable, rejected } = await viewOf(router)
      for (const id of before.usable) {
        if (usable.has(id)) continue
        dropped.add(`${router.name} gave up ${id}: ${rejected.get(id) ?? 'it is not known any more'}`)
      }
      await wait(50)
    }
  }
  const watching = routers.map(router =>
    watch(router).catch((error: Error) => void dropped.add(`${router.name} cannot be asked: ${error.message}`)),
  )
  return {
    async stop() {
      stopped = true
      await Promise.all(watching)
      return [...dropped]
    },
  }
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, Math.max(0, ms)))
}
