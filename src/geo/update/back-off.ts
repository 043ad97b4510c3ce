/** How long to wait after a failure: doubled each time, jittered, never less than the server asked for. */

import type { Random } from '../../clock.ts'
import { retryOf } from './download-error.ts'

export interface BackOff {
  readonly firstMs: number
  /** Longest wait of our own choosing; a server may ask for more. */
  readonly mostMs: number
}

/**
 * Milliseconds until the next try; the whole of `mostMs` where trying again soon is useless.
 *
 * @param failures in a row, from 1
 */
export function backOffMs(error: unknown, failures: number, { firstMs, mostMs }: BackOff, random: Random): number {
  const { retryable, retryAfterMs = 0 } = retryOf(error)
  const ownMs = retryable ? Math.min(mostMs, firstMs * 2 ** (failures - 1)) : mostMs
  // Many routers that failed together do not come back together.
  return Math.max(ownMs * (0.75 + 0.5 * random()), retryAfterMs * (1 + 0.1 * random()))
}
