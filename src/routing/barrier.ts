/**
 * The wall before a full region: what one more request can be expected to wait there, in ms.
 *
 * With n requests in flight on C slots, the next one waits for n + 1 − C of them to end, and one ends every S/C. How many there
 * will be when it arrives is not known to a slot: others send, too, and what they do is seen a moment late. So the wall is not
 * a corner but the softened form `S/C · s · ln(1 + e^((n + 1 − C)/s))`, which begins some `s = 0.3·√n` slots before the region is
 * full. It scales by itself: a slot too many costs 5 ms where requests take 0.1 s on 20 slots, and 3 s where they take 30 s on ten.
 */

/** Softness in units of the deviation that as many independent requests have (√n). */
const softness = 0.3
/** An empty region is known to be nearly so. */
const idleSpread = 0.02
/** Beyond so many times its capacity a region is no dearer: the wait is at most three stays. */
const mostOverload = 4
/** Below this nobody's choice changes, ms. */
const leastBarrierMs = 0.1

/**
 * @param inflight requests there now, running and waiting
 * @param capacity requests that can run at once
 * @param stayMs mean time that a request runs
 */
export function barrierMs(inflight: number, capacity: number, stayMs: number): number {
  const spread = softness * Math.sqrt(Math.min(inflight, capacity) + idleSpread)
  const over = (Math.min(inflight, mostOverload * capacity) + 1 - capacity) / spread
  if (over < -16) return 0
  const waiting = over > 30 ? over * spread : spread * Math.log1p(Math.exp(over))
  const barrier = (stayMs * waiting) / capacity
  return barrier < leastBarrierMs ? 0 : barrier
}
