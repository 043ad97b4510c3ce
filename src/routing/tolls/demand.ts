/**
 * Who asks for how much: arrivals by audience, smoothed, as one router sees them and tells the others.
 */

/** Arrivals since they were last counted; decisions raise it. */
export interface Arrivals {
  count: number
}

/** An audience in words that mean the same to every router, whatever it has loaded. */
export interface AudienceKey {
  readonly rule: string
  readonly capability?: string
  readonly family?: 4 | 6
  /** Centre of the cell, whole degrees; absent: nothing known. */
  readonly latitude?: number
  readonly longitude?: number
  readonly country?: string
}

export interface AudienceDemand extends AudienceKey {
  readonly requestsPerSecond: number
}

/** What a router tells the others, a few times a second. */
export interface RouterSums {
  /** Requests in flight that it sent, by region id. */
  readonly inflight: Readonly<Record<string, number>>
  /** The largest audiences first. */
  readonly demand: readonly AudienceDemand[]
  /** Requests a second of those that are not listed. */
  readonly restPerSecond: number
  /** Requests a second that were sent one by one, and answers a second that stand for several. */
  readonly sentPerSecond: number
  readonly answersPerSecond: number
}

/** Exponentially smoothed rate of events, per second. */
export class SmoothedRate {
  value = 0
  readonly #overMs: number

  constructor(overMs: number) {
    this.#overMs = overMs
  }

  add(count: number, elapsedMs: number): void {
    if (elapsedMs <= 0) return
    this.value += smoothing(elapsedMs, this.#overMs) * ((1000 * count) / elapsedMs - this.value)
  }
}

/** Weight of what is new in an exponential average over `overMs`. */
export function smoothing(elapsedMs: number, overMs: number): number {
  return 1 - Math.exp(-elapsedMs / overMs)
}
