/** When an agent speaks next. Chance keeps the agents of a fleet from speaking all at once. */

import type { Random } from '../clock.ts'

/** The rhythm of heartbeats: the interval, a tenth more or less. */
export function heartbeatDelayMs(intervalMs: number, random: Random): number {
  return intervalMs * (0.9 + 0.2 * random())
}

/**
 * Exponential backoff with jitter over its upper half, up to three quarters of the interval: whatever comes back has heard
 * from every agent within one heartbeat, its own return to the store included, and while it is ill agents call it less than
 * twice as often as when it is well.
 *
 * @param failures in a row, from 1
 */
export function retryDelayMs(failures: number, intervalMs: number, random: Random): number {
  const longestMs = intervalMs * Math.min(3 / 4, 2 ** failures / 8)
  return longestMs * (0.5 + 0.5 * random())
}

/** A lease survives the loss of two heartbeats, however short it is. */
export function intervalWithin(leaseMs: number, wantedMs: number): number {
  return Math.min(wantedMs, leaseMs / 3)
}

/** How often an agent looks between two heartbeats for what should not wait: four times, and never a burden. */
export function glanceEveryMs(intervalMs: number): number {
  return Math.max(250, intervalMs / 4)
}
