/**
 * Who asks this router for how much: arrivals by audience, smoothed.
 *
 * Decisions only raise a counter in the plan; here those counters become rates, a few times a second.
 */

import type { AudienceDemand, AudienceKey } from '../../regions/router-sums.ts'
import type { Audiences } from '../audience.ts'
import type { Workings } from '../workings.ts'

/** What rates are averaged over, ms. */
const averagedMs = 10_000
/** Audiences told one by one; the many small ones beyond them are told as a sum. */
const mostAudiences = 1000
/** Requests a second below which an audience is forgotten. */
const leastRate = 1e-4

/** Weight of what is new in an exponential average over `overMs`. */
export function smoothing(elapsedMs: number, overMs: number): number {
  return 1 - Math.exp(-elapsedMs / overMs)
}

export class DemandMeter {
  /** By audience in words. */
  #rates = new Map<string, { readonly key: AudienceKey; perSecond: number; answersPerSecond: number }>()
  #startedAt: number | undefined
  #countedAt: number | undefined
  #sent = 0
  #answers = 0
  sentPerSecond = 0
  answersPerSecond = 0

  countSent(): void {
    this.#sent++
  }

  countAnswer(): void {
    this.#answers++
  }

  /** Turns what was counted since the last time into rates. Call it before the workings are replaced, too. */
  count(workings: Workings, now: number): void {
    this.#startedAt ??= now
    const elapsed = now - (this.#countedAt ?? now)
    this.#countedAt = Math.max(now, this.#countedAt ?? now)
    if (elapsed <= 0) return
    // In the first seconds the plain mean: an average that starts at zero would say that nobody asks.
    const share = Math.max(smoothing(elapsed, averagedMs), elapsed / (now - this.#startedAt))
    const perCount = (share * 1000) / elapsed
    for (const [name, rate] of this.#rates) {
      rate.perSecond *= 1 - share
      rate.answersPerSecond *= 1 - share
      if (rate.perSecond + rate.answersPerSecond < leastRate) this.#rates.delete(name)
    }
    workings.audiences.takeArrivals((variant, cell, requests, answers) => {
      this.#add(workings, variant, cell, requests * perCount, answers * perCount)
    })
    this.sentPerSecond += share * ((1000 * this.#sent) / elapsed - this.sentPerSecond)
    this.answersPerSecond += share * ((1000 * this.#answers) / elapsed - this.answersPerSecond)
    this.#sent = 0
    this.#answers = 0
  }

  /**
   * The largest first, and the sum of the others.
   *
   * @param requestsPerAnswer by which answers count
   */
  largest(requestsPerAnswer: number): { readonly demand: AudienceDemand[]; readonly restPerSecond: number } {
    const demand = [...this.#rates.values()].map(({ key, perSecond, answersPerSecond }) => ({
      ...key,
      requestsPerSecond: perSecond + requestsPerAnswer * answersPerSecond,
    }))
    demand.sort((a, b) => b.requestsPerSecond - a.requestsPerSecond)
    const rest = demand.splice(mostAudiences)
    return { demand, restPerSecond: rest.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0) }
  }

  #add(
    { audiences, locator }: Workings,
    variant: number,
    cell: number,
    perSecond: number,
    answersPerSecond: number,
  ): void {
    const { coordinates, country } = locator.cells[cell]!
    const key = { ...audiences.nameOf(variant), ...coordinates, ...(country !== undefined && { country }) }
    const name = nameOf(key)
    const rate = this.#rates.get(name)
    if (rate === undefined) {
      this.#rates.set(name, { key, perSecond, answersPerSecond })
    } else {
      rate.perSecond += perSecond
      rate.answersPerSecond += answersPerSecond
    }
  }
}

function nameOf({ rule, capability, family, latitude, longitude, country }: AudienceKey): string {
  return [rule, capability, family, latitude, longitude, country].join('\n')
}

/** Finds what an audience of another router is called here: its variant and cell. */
export class AudienceFinder {
  readonly #audiences: Audiences
  readonly #rules: ReadonlyMap<string, Workings['rules']['rules'][number]>
  readonly #cells: ReadonlyMap<string, number>

  constructor({ audiences, rules, locator }: Workings) {
    this.#audiences = audiences
    this.#rules = new Map(rules.rules.map(compiled => [compiled.rule.name, compiled]))
    // Cells of single measured networks stand behind the one that they are part of: the first is meant.
    const cells = new Map<string, number>()
    locator.cells.forEach(({ coordinates, country }, cell) => {
      const name = place(coordinates, country)
      if (!cells.has(name)) cells.set(name, cell)
    })
    this.#cells = cells
  }

  /** Undefined where this router has no such rule, or knows no such cell. */
  find(key: AudienceKey): { readonly variant: number; readonly cell: number } | undefined {
    const compiled = this.#rules.get(key.rule)
    const cell = this.#cells.get(place(key, key.country))
    if (compiled === undefined || cell === undefined) return undefined
    return { variant: this.#audiences.variant(compiled, key.capability, key.family), cell }
  }
}

function place(at: { latitude?: number; longitude?: number } | undefined, country: string | undefined): string {
  return `${at?.latitude},${at?.longitude},${country}`
}
