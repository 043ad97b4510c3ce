/**
 * What of a region's own report is believed. A report may be broken or may lie; what follows from it stays within bounds.
 */

import type { ReceivedLoadReport } from '../regions/load-report.ts'
import type { Region } from '../regions/region.ts'

/** Mean stay of a request where no report tells, ms. */
export const assumedStayMs = 1000
const longestStayMs = 600_000
/** Of fewer that run nothing can be said of their stay. */
const leastRunning = 10
const mostOverLittle = 1.25
/** A region may grow, but not beyond this many times the capacity that its operator declared. */
const mostGrowth = 4
/** And never to hold more than this many times its capacity. */
const mostOverload = 4

/** Slots of a region; NaN where nobody says. */
export function believedCapacity({ capacityRequests: declared }: Region, load: ReceivedLoadReport | undefined): number {
  const reported = load?.capacityRequests
  if (reported === undefined) return declared ?? Number.NaN
  return declared === undefined ? reported : Math.min(reported, mostGrowth * declared)
}

/**
 * Requests there, running and waiting; beyond four times the capacity more makes no difference to anybody, but would take
 * long to be forgotten. undefined where the report does not say.
 *
 * @param capacity slots; NaN where nobody says
 */
export function believedInflight(load: ReceivedLoadReport, capacity: number): number | undefined {
  if (load.inflight === undefined) return undefined
  const inflight = load.inflight + (load.queueDepth ?? 0)
  return Number.isNaN(capacity) ? inflight : Math.min(inflight, mostOverload * capacity)
}

/**
 * Mean time that a request holds a slot, ms. What regions report is mostly the time from arrival to answer, of late: where many
 * have waited, far more than that. It is no more than the rate of arrivals makes of those that run (Little 1961), with some slack
 * for chance.
 */
export function believedStayMs({
  latencyMs = assumedStayMs,
  inflight = 0,
  requestsPerSecond = 0,
}: ReceivedLoadReport): number {
  const mostMs =
    inflight < leastRunning || requestsPerSecond <= 0
      ? longestStayMs
      : (mostOverLittle * 1000 * inflight) / requestsPerSecond
  return Math.min(longestStayMs, mostMs, Math.max(1, latencyMs))
}

/** The worst of what a report says besides its requests in flight; fractions. */
export function reportedPressure(load: ReceivedLoadReport | undefined): number {
  if (load === undefined) return 0
  return Math.max(servingPressure(load), (load.cpu ?? 0) / 0.95, memoryPressure(load.memory ?? 0))
}

/**
 * Of it what more requests would only make worse: a queue, a KV cache. A busy processor may be somebody else's doing; it is a
 * reason to prefer another region, and none to answer nobody.
 */
export function servingPressure(load: ReceivedLoadReport): number {
  const queue = load.queueDepth !== undefined && load.queueLimit !== undefined ? load.queueDepth / load.queueLimit : 0
  return Math.max(queue, (load.kvCache ?? 0) / 0.8)
}

/** Memory that is merely well used says nothing; above 90 % it starts to count. */
function memoryPressure(memory: number): number {
  return memory > 0.9 ? memory : 0
}
