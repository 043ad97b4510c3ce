/** When a connection to the shared store that was lost, or refused, is tried again. */

import type { Random } from '../clock.ts'

const firstMs = 100
/** A store that is back is one that agents wait for; a connection that is refused costs next to nothing. */
const longestMs = 250

/**
 * Exponential backoff with jitter over its upper half, so that routers do not all come at once.
 *
 * @param attempts that have failed in a row, from 1
 * @returns milliseconds, at most 250
 */
export function reconnectDelayMs(attempts: number, random: Random): number {
  const delayMs = Math.min(longestMs, firstMs * 2 ** (Math.min(attempts, 10) - 1))
  return delayMs * (0.5 + 0.5 * random())
}
