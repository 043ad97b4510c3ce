/**
 * Counts what happens in a run and says at its end what it came to.
 *
 * Requests count for the interval in which they were first sent, however late they end: so that an interval's figures can be
 * held against the optimum for its demand.
 */

import { Histogram } from './histogram.ts'
import type { RegionModel } from './region-model.ts'
import type { Requests } from './requests.ts'
import type { CityResult, RegionResult, Series, SimulationResult, Totals } from './result.ts'
import type { World } from './world.ts'

/** A run has at most about so many intervals. */
const mostIntervals = 600
/** A wait longer than this is one that people notice, ms. */
const longWaitMs = 1000

class Interval {
  readonly costs = new Histogram()
  sent = 0
  served = 0
  rttMs = 0
  waitMs = 0
  responseMs = 0
  waits = 0
  refused = 0
  failed = 0
}

/** Means over the seconds of one interval. */
interface RegionInterval {
  seconds: number
  readonly utilisation: Float64Array
  readonly queue: Float64Array
  readonly tollMs: Float64Array
}

export class Measure {
  readonly #world: World
  readonly #intervalMs: number
  readonly #intervals: Interval[]
  readonly #regions: RegionInterval[]
  readonly #requests: Float64Array
  /** By city and region. */
  readonly #servedBy: Float64Array
  readonly #before: Float64Array
  #retries = 0
  #samples = 0
  #squares = 0
  #most = 0

  constructor(world: World) {
    const cities = world.cities.length
    const regions = world.regions.length
    const count = (length: number) => new Float64Array(length)
    this.#world = world
    this.#intervalMs = 1000 * Math.max(1, Math.ceil(world.durationMs / 1000 / mostIntervals))
    const intervals = Math.max(1, Math.ceil(world.durationMs / this.#intervalMs))
    this.#intervals = Array.from({ length: intervals }, () => new Interval())
    this.#regions = this.#intervals.map(() => ({
      seconds: 0,
      utilisation: count(regions),
      queue: count(regions),
      tollMs: count(regions),
    }))
    this.#requests = count(cities)
    this.#servedBy = count(cities * regions)
    this.#before = count(regions)
  }

  sent(requests: Requests, id: number): void {
    this.#intervalOf(requests, id).sent++
    this.#requests[requests.city[id]!]!++
  }

  retried(): void {
    this.#retries++
  }

  served(requests: Requests, id: number, now: number): void {
    const interval = this.#intervalOf(requests, id)
    const responseMs = now - requests.sentAt[id]!
    const costMs = responseMs - requests.heldMs[id]!
    const waitMs = Math.max(0, costMs - requests.rttMs[id]!)
    interval.served++
    interval.rttMs += requests.rttMs[id]!
    interval.waitMs += waitMs
    interval.responseMs += responseMs
    if (waitMs > longWaitMs) interval.waits++
    interval.costs.add(costMs)
    this.#servedBy[requests.city[id]! * this.#world.regions.length + requests.region[id]!]!++
  }

  refused(requests: Requests, id: number): void {
    this.#intervalOf(requests, id).refused++
  }

  failed(requests: Requests, id: number): void {
    this.#intervalOf(requests, id).failed++
  }

  /** Looks at the regions; called once a second. */
  sample(regions: readonly RegionModel[], tollOf: (region: number) => number, now: number): void {
    // The sample at the end of a second tells of that second.
    const interval = this.#regions[this.#placeOf(now - 1)]!
    interval.seconds++
    regions.forEach(({ utilisation, queue }, region) => {
      interval.utilisation[region]! += utilisation
      interval.queue[region]! += queue.length
      interval.tollMs[region]! += tollOf(region)
      if (this.#samples > 0) this.#squares += (utilisation - this.#before[region]!) ** 2
      this.#before[region] = utilisation
      this.#most = Math.max(this.#most, utilisation)
    })
    this.#samples++
  }

  result(policy: string, regions: readonly RegionModel[]): SimulationResult {
    const { name, seed, routers, durationMs, changes } = this.#world
    return {
      scenario: name,
      policy,
      seed,
      routers: routers.count,
      durationSeconds: durationMs / 1000,
      totals: this.#totals(),
      series: this.#series(),
      regions: regions.map((region, place) => this.#regionResult(region, place)),
      cities: this.#world.cities.map((_, city) => this.#cityResult(city)),
      events: changes.map(({ fromMs, toMs, label }) => ({ fromSeconds: fromMs / 1000, toSeconds: toMs / 1000, label })),
    }
  }

  #placeOf(at: number): number {
    return Math.min(this.#intervals.length - 1, Math.floor(at / this.#intervalMs))
  }

  #intervalOf(requests: Requests, id: number): Interval {
    return this.#intervals[this.#placeOf(requests.sentAt[id]!)]!
  }

  #totals(): Totals {
    const costs = new Histogram()
    for (const interval of this.#intervals) costs.addAll(interval.costs)
    const sum = (key: Exclude<keyof Interval, 'costs'>) => this.#intervals.reduce((total, each) => total + each[key], 0)
    const [requests, served, refused, failed] = [sum('sent'), sum('served'), sum('refused'), sum('failed')]
    const ended = served + refused + failed
    const changes = Math.max(1, this.#samples - 1) * this.#world.regions.length
    return {
      requests,
      served,
      refused,
      failed,
      inFlight: requests - ended,
      retries: this.#retries,
      availability: ratio(served, ended, 1),
      meanRttMs: ratio(sum('rttMs'), served),
      meanWaitMs: ratio(sum('waitMs'), served),
      meanCostMs: ratio(sum('rttMs') + sum('waitMs'), served),
      meanResponseMs: ratio(sum('responseMs'), served),
      p50Ms: costs.quantile(0.5),
      p90Ms: costs.quantile(0.9),
      p99Ms: costs.quantile(0.99),
      waitShare: ratio(sum('waits'), served),
      swing: Math.sqrt(this.#squares / changes),
      mostUtilisation: this.#most,
    }
  }

  #series(): Series {
    const seconds = this.#intervalMs / 1000
    const each = (value: (interval: Interval) => number) => this.#intervals.map(value)
    return {
      seconds: this.#intervals.map((_, place) => place * seconds),
      requestsPerSecond: each(({ sent }) => sent / seconds),
      p50Ms: each(({ costs }) => costs.quantile(0.5)),
      p90Ms: each(({ costs }) => costs.quantile(0.9)),
      p99Ms: each(({ costs }) => costs.quantile(0.99)),
      meanCostMs: each(({ rttMs, waitMs, served }) => ratio(rttMs + waitMs, served)),
      meanWaitMs: each(({ waitMs, served }) => ratio(waitMs, served)),
      waits: each(({ waits }) => waits / seconds),
      refused: each(({ refused }) => refused / seconds),
      failed: each(({ failed }) => failed / seconds),
    }
  }

  #regionResult({ served }: RegionModel, region: number): RegionResult {
    const { id, name, coordinates, capacityRequests } = this.#world.regions[region]!
    const means = (of: (interval: RegionInterval) => Float64Array) =>
      this.#regions.map(interval => ratio(of(interval)[region]!, interval.seconds))
    return {
      id,
      name,
      ...coordinates,
      slots: capacityRequests!,
      served,
      utilisation: means(({ utilisation }) => utilisation),
      queue: means(({ queue }) => queue),
      tollMs: means(({ tollMs }) => tollMs),
    }
  }

  #cityResult(city: number): CityResult {
    const { name, latitude, longitude } = this.#world.cities[city]!
    const regions = this.#world.regions.length
    const servedBy = [...this.#servedBy.subarray(city * regions, (city + 1) * regions)]
    return { name, latitude, longitude, requests: this.#requests[city]!, servedBy }
  }
}

function ratio(part: number, whole: number, otherwise = 0): number {
  return whole === 0 ? otherwise : part / whole
}
