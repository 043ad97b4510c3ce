/**
 * How long regions take for their first byte while they have little to do, from what they report.
 *
 * Load is paid for by barrier and toll; what is sought here is what a region's own machines and software take on top of the way
 * there. So of each region's reports only those count that were written at less than half its capacity, and of those the 10th
 * percentile, which moves slowly. (Reports hold means over a heartbeat: it is the 10th percentile of those.)
 */

import type { ReceivedLoadReport } from '../regions/load-report.ts'
import type { Region } from '../regions/region.ts'
import { believedCapacity, believedInflight, reportedPressure } from './reported-load.ts'

/** Share of a region's capacity below which its reports count. */
const idleShare = 0.5
const percentile = 0.1
/** In so long the percentile moves by a factor of at most e, ms. */
const adaptingMs = 40_000
/** However rarely a region reports, one report moves it by no more than this. */
const longestStep = 0.25
/** A region is not taken to be slower than the fleet's best by more than this, ms. */
const mostServiceMs = 1000
/** Below this nobody measures, ms. */
const leastFirstByteMs = 0.1
/** What is told changes only by more than both, since every change costs the router its rankings. */
const noticeableMs = 1
const noticeableShare = 0.05

export interface ServiceRecord {
  readonly region: Region
  readonly load?: ReceivedLoadReport | undefined
}

interface Known {
  /** 10th percentile, ms. */
  firstByteMs: number
  /** Of the last report that was looked at, on the store's clock. */
  receivedAt: number
  /** As it was told last, ms above the fleet's best. */
  told: number
}

export class ServiceTimes {
  readonly #known = new Map<string, Known>()
  #middle = 0

  /** Takes in the reports of a fleet, each once; regions that are not in it are forgotten. */
  observe(records: readonly ServiceRecord[]): void {
    const present = new Set(records.map(({ region }) => region.id))
    for (const id of this.#known.keys()) if (!present.has(id)) this.#known.delete(id)
    for (const record of records) this.#take(record)
    this.#compare()
  }

  /**
   * Time to first byte above the fleet's best, ms from 0 to 1000. A region of which it is not known is taken to be like the middle
   * one of the others, so that silence pays nobody; 0 where it is known of none.
   */
  serviceMs(region: string): number {
    return this.#known.get(region)?.told ?? this.#middle
  }

  #take({ region, load }: ServiceRecord): void {
    if (load?.firstByteMs === undefined || !isIdle(region, load)) return
    const known = this.#known.get(region.id)
    const firstByteMs = Math.max(leastFirstByteMs, load.firstByteMs)
    if (known === undefined) {
      this.#known.set(region.id, { firstByteMs, receivedAt: load.receivedAt, told: 0 })
      return
    }
    if (load.receivedAt === known.receivedAt) return
    // The store's clock may have been set back, or be another server's.
    const elapsed = Math.max(0, load.receivedAt - known.receivedAt)
    known.receivedAt = load.receivedAt
    const step = Math.min(longestStep, elapsed / adaptingMs)
    known.firstByteMs = moved(known.firstByteMs, firstByteMs, step)
  }

  #compare(): void {
    let best = Number.POSITIVE_INFINITY
    for (const { firstByteMs } of this.#known.values()) best = Math.min(best, firstByteMs)
    for (const known of this.#known.values()) {
      const found = Math.min(mostServiceMs, known.firstByteMs - best)
      const noticeable = Math.max(noticeableMs, noticeableShare * known.told)
      if (Math.abs(found - known.told) > noticeable) known.told = found
    }
    const told = [...this.#known.values()].map(known => known.told).sort((a, b) => a - b)
    this.#middle = told[Math.floor((told.length - 1) / 2)] ?? 0
  }
}

/** Stochastic approximation of a quantile, by factors: at rest one in ten is below, each worth nine above. */
function moved(estimate: number, found: number, step: number): number {
  if (found === estimate) return estimate
  const next = estimate * Math.exp(step * (found < estimate ? percentile - 1 : percentile))
  return found < estimate ? Math.max(found, next) : Math.min(found, next)
}

/** By its own word; where neither load nor capacity is known, nobody can say that load is not paid for twice. */
function isIdle(region: Region, load: ReceivedLoadReport): boolean {
  const capacity = believedCapacity(region, load)
  const inflight = believedInflight(load, capacity)
  if (inflight === undefined || Number.isNaN(capacity)) return false
  return inflight / capacity < idleShare && reportedPressure(load) < idleShare
}
