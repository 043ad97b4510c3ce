/**
 * When a region that gets no new clients will be empty, from what it last said of its requests in flight.
 *
 * Requests that leave at random make what is left fall exponentially, so that is fitted; work of even length ends sooner
 * than estimated, never later. Pure: the tracker that remembers the reports is at the end.
 */

import type { Snapshot } from './snapshot.ts'
import type { FleetState } from './store.ts'

/** Requests in flight as reported, with those that wait in its queue; ms on the store's clock. */
export interface InflightSample {
  readonly at: number
  readonly inflight: number
}

/**
 * Where an estimate comes from. `empty`: it reported nothing in flight or queued. `trend`: how its reports fall. `stay`: one report, and
 * how long a request stays. `not-falling`: its reports do not fall. `silent`: its lease has lapsed, so what it last said is
 * all there is. `unknown`: it reports nothing that says more.
 */
export type EstimateBasis = 'empty' | 'trend' | 'stay' | 'not-falling' | 'silent' | 'unknown'

export interface DrainEstimate {
  readonly basis: EstimateBasis
  /** As last reported, with those in its queue; absent: it never said. */
  readonly inflight?: number
  /** From now on; 0 when it is empty, or should be by now. */
  readonly emptyInSeconds?: number
}

/** Below half a request nobody is left. */
const nobodyLeft = 0.5

/**
 * @param samples reports since the drain began, oldest first
 * @param stayMs mean time that a request stays, where the region reports it
 * @param now on the clock of the samples
 */
export function estimateDrain(
  samples: readonly InflightSample[],
  stayMs: number | undefined,
  now: number,
): DrainEstimate {
  const last = samples.at(-1)
  if (last === undefined) return { basis: 'unknown' }
  const { inflight } = last
  if (inflight === 0) return { basis: 'empty', inflight, emptyInSeconds: 0 }
  const trend = decayPerMs(samples)
  if (trend !== undefined && trend <= 0) return { basis: 'not-falling', inflight }
  const decay = trend ?? (stayMs === undefined || stayMs === 0 ? undefined : 1 / stayMs)
  if (decay === undefined) return { basis: 'unknown', inflight }
  const leftMs = Math.max(0, Math.log(inflight / nobodyLeft) / decay - (now - last.at))
  return {
    basis: trend === undefined ? 'stay' : 'trend',
    inflight,
    emptyInSeconds: Math.round(leftMs / 100) / 10,
  }
}

/** What is left to say of a region that has fallen silent: that it was empty, if that was its last word. */
function silenced(estimate: DrainEstimate): DrainEstimate {
  const { basis, inflight } = estimate
  if (basis === 'empty') return estimate
  return { basis: 'silent', ...(inflight !== undefined && { inflight }) }
}

/** Slope of a least-squares line through the logarithms, turned downwards; undefined for fewer than two moments. */
function decayPerMs(samples: readonly InflightSample[]): number | undefined {
  const count = samples.length
  const meanAt = samples.reduce((sum, { at }) => sum + at, 0) / count
  const logs = samples.map(({ inflight }) => Math.log(Math.max(inflight, nobodyLeft)))
  const meanLog = logs.reduce((sum, log) => sum + log, 0) / count
  let spread = 0
  let slope = 0
  samples.forEach(({ at }, index) => {
    spread += (at - meanAt) ** 2
    slope += (at - meanAt) * (logs[index]! - meanLog)
  })
  return spread === 0 ? undefined : -slope / spread
}

export interface DrainTracker {
  /** Takes in every new snapshot, and the fleet that it was made from. */
  observe(snapshot: Snapshot, fleet: Pick<FleetState, 'now' | 'records' | 'writeFault'>): void
  /** Undefined for a region that is not draining. @param now on the store's clock */
  estimateOf(region: string, now: number): DrainEstimate | undefined
  /** Of every draining region, by id. */
  estimates(now: number): ReadonlyMap<string, DrainEstimate>
}

/** Reports of a region that are kept: two minutes of heartbeats, enough to follow how work ends. */
const mostSamples = 60

interface Watched {
  readonly epoch: number | undefined
  readonly samples: InflightSample[]
  stayMs: number | undefined
  isSilent: boolean
}

export function createDrainTracker(): DrainTracker {
  let watched = new Map<string, Watched>()
  const estimate = ({ samples, stayMs, isSilent }: Watched, now: number): DrainEstimate => {
    const spoken = estimateDrain(samples, stayMs, now)
    return isSilent ? silenced(spoken) : spoken
  }
  return {
    observe({ regions }, fleet) {
      const next = new Map<string, Watched>()
      const silent = silentOf(fleet)
      for (const { region, verdict, load } of regions) {
        if (verdict.condition !== 'draining') continue
        const known = watched.get(region.id)
        const watch = known !== undefined && known.epoch === load?.epoch ? known : begin(load?.epoch)
        watch.isSilent = silent.has(region.id)
        next.set(region.id, watch)
        if (load?.inflight === undefined || load.receivedAt === watch.samples.at(-1)?.at) continue
        watch.samples.push({ at: load.receivedAt, inflight: load.inflight + (load.queueDepth ?? 0) })
        if (watch.samples.length > mostSamples) watch.samples.shift()
        watch.stayMs = load.latencyMs
      }
      watched = next
    },
    estimateOf(region, now) {
      const watch = watched.get(region)
      return watch && estimate(watch, now)
    },
    estimates: now => new Map([...watched].map(([region, watch]) => [region, estimate(watch, now)])),
  }
}

function begin(epoch: number | undefined): Watched {
  return { epoch, samples: [], stayMs: undefined, isSilent: false }
}

/** Whose lease has lapsed; nobody's where it could not be renewed. */
function silentOf({ now, records, writeFault }: Parameters<DrainTracker['observe']>[1]): ReadonlySet<string> {
  if (writeFault !== undefined) return new Set()
  const lapsed = records.filter(({ lease }) => lease !== undefined && lease.expiresAt <= now)
  return new Set(lapsed.map(({ region }) => region.id))
}
