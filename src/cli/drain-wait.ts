/** Waits until a region that is draining is empty, by what it reports itself. */

import { setTimeout as delay } from 'node:timers/promises'
import type { RegionView } from '../control/schemas.ts'
import { MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'
import { describeEstimate } from './regions-view.ts'

export interface Emptied {
  readonly empty: true
  readonly waitedSeconds: number
  /** In words. */
  readonly why: string
}

const askEveryMs = 1_000
/** For so long its lease must have lapsed: heartbeats come several times as often, also after trouble of the store. */
const silenceMs = 5_000
const millisecondsPer: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 }

/** Milliseconds of `90s`, `10m` or `2h`. @throws MeridianError REQUEST_INVALID */
export function parseWait(text: string): number {
  const [, count, unit] = /^([1-9]\d{0,4})([smh])$/.exec(text) ?? []
  if (count !== undefined) return Number(count) * millisecondsPer[unit!]!
  throw new MeridianError(
    'REQUEST_INVALID',
    `--timeout: expected seconds, minutes or hours (90s, 10m, 2h), not ${shown(text)}`,
  )
}

/**
 * @param read asks for the region as it is now
 * @param tell is told when the estimate changes
 * @throws MeridianError DRAIN_UNFINISHED when the time is over, or the region will never say that it is empty
 */
export async function waitUntilEmpty(
  id: string,
  read: () => Promise<RegionView>,
  timeoutMs: number,
  tell: (line: string) => void,
): Promise<Emptied> {
  const startedAt = performance.now()
  const waitedMs = () => performance.now() - startedAt
  const done = (why: string): Emptied => ({ empty: true, waitedSeconds: Math.round(waitedMs() / 100) / 10, why })
  let told: string | undefined
  let silentSince: number | undefined
  for (;;) {
    const region = await readOrGone(read)
    if (region === undefined) return done('has deregistered')
    if (region.drain === undefined) throw unfinished(id, 'somebody has taken the drain back')
    if (region.drain.estimate?.basis === 'empty') return done('is empty')
    if (region.lease === undefined && region.load === undefined) {
      throw unfinished(id, 'it sends no reports, so nobody can tell when it is empty; it is drained all the same')
    }
    // While the store is away nobody's word arrives.
    const isSilent = region.drain.estimate?.basis === 'silent' && region.stale === undefined
    silentSince = isSilent ? (silentSince ?? waitedMs()) : undefined
    if (silentSince !== undefined && waitedMs() - silentSince >= silenceMs) throw unfinished(id, silence(region))
    const words = describeEstimate(region.drain.estimate) ?? 'no telling yet'
    if (words !== told) tell(`${id}: empty ${words}`)
    told = words
    if (waitedMs() + askEveryMs > timeoutMs)
      throw unfinished(id, `not within ${timeoutMs / 1_000} s (--timeout): empty ${words}; it stays drained`)
    await delay(askEveryMs)
  }
}

function silence({ load }: RegionView): string {
  const last =
    load?.inflight === undefined
      ? ''
      : `, with ${load.inflight + (load.queueDepth ?? 0)} in flight when it last reported`
  return `it has fallen silent${last}, so nobody can tell when it is empty; it is drained all the same`
}

async function readOrGone(read: () => Promise<RegionView>): Promise<RegionView | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof MeridianError && error.code === 'REGION_UNKNOWN') return undefined
    throw error
  }
}

function unfinished(id: string, why: string): MeridianError {
  return new MeridianError('DRAIN_UNFINISHED', `region ${shown(id)}: ${why}`)
}
