/** When an agent speaks next. Chance keeps the agents of a fleet from speaking all at once. */

import type { Random } from '../clock.ts'

/** The rhythm of heartbeats: the interval, a tenth more or less. */
export function heartbeatDelayMs(intervalMs: number, random: Random): number {
  return intervalMs * (0.9 + 0.2 * random())
}

/**
 * Exponential backoff with full jitter, up to twice the interval: on average agents call a store that is ill no more often
 * than a healthy one, and each tries again well within its lease.
 *
 * @param failures in a row, from 1
 */
export function retryDelayMs(failures: number, intervalMs: number, random: Random): number {
  return random() * Math.min(2 * intervalMs, (intervalMs / 4) * 2 ** failures)
}

/** A lease survives the loss of two heartbeats, however short it is. */
export function intervalWithin(leaseMs: number, wantedMs: number): number {
  return Math.min(wantedMs, leaseMs / 3)
}
