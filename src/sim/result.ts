/**
 * What a simulated run came to: plain data, written as JSON and drawn in the report. Times in seconds of simulated time,
 * durations in ms, shares as fractions.
 */

export interface SimulationResult {
  readonly scenario: string
  readonly policy: string
  readonly seed: number
  readonly routers: number
  readonly durationSeconds: number
  readonly totals: Totals
  /** One row for each interval, by when requests were first sent. */
  readonly series: Series
  readonly regions: readonly RegionResult[]
  readonly cities: readonly CityResult[]
  /** What the scenario did and when, for the time axis. */
  readonly events: readonly { readonly fromSeconds: number; readonly toSeconds: number; readonly label: string }[]
  /** Absent where it was not asked for or cannot be computed. */
  readonly optimum?: OptimumResult
}

export interface Totals {
  readonly requests: number
  readonly served: number
  /** Answered "busy" by a router or a region, and given up by the client. */
  readonly refused: number
  /** Sent to a region that was dead, or not answered in time, and given up by the client. */
  readonly failed: number
  /** Still under way when the run ended; served, refused, failed and these are all requests. */
  readonly inFlight: number
  readonly retries: number
  /** Share of served requests among those that came to an end. */
  readonly availability: number
  /**
   * Of served requests: round trip to who served it, all other time without service (in a queue, in tries before, between
   * tries), both, and both with the service.
   */
  readonly meanRttMs: number
  readonly meanWaitMs: number
  readonly meanCostMs: number
  readonly meanResponseMs: number
  /** Of rtt + wait. */
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  /** Share of served requests that waited over 1 s. */
  readonly waitShare: number
  /** Change of utilisation from one second to the next, root of the mean square over regions and time. */
  readonly swing: number
  readonly mostUtilisation: number
  /** meanCostMs / optimum − 1. */
  readonly overOptimum?: number
}

export interface Series {
  readonly seconds: readonly number[]
  readonly requestsPerSecond: readonly number[]
  readonly p50Ms: readonly number[]
  readonly p90Ms: readonly number[]
  readonly p99Ms: readonly number[]
  readonly meanCostMs: readonly number[]
  readonly meanWaitMs: readonly number[]
  /** Requests a second that waited over 1 s, that were refused, that failed. */
  readonly waits: readonly number[]
  readonly refused: readonly number[]
  readonly failed: readonly number[]
  /** Mean round trip of the optimum for the demand of the interval; NaN is written as null. */
  readonly optimumMs?: readonly (number | null)[]
}

export interface RegionResult {
  readonly id: string
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  readonly slots: number
  readonly served: number
  /** By interval: busy and waiting over slots, waiting, toll. */
  readonly utilisation: readonly number[]
  readonly queue: readonly number[]
  readonly tollMs: readonly number[]
}

export interface CityResult {
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  readonly requests: number
  /** By region, in the order of `regions`. */
  readonly servedBy: readonly number[]
}

export interface OptimumResult {
  readonly meanMs: number
  readonly intervals: readonly {
    readonly fromSeconds: number
    readonly toSeconds: number
    readonly meanMs: number
    /** Highest utilisation that it was allowed. */
    readonly target: number
  }[]
}
