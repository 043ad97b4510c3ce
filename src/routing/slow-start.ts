/**
 * Slow start: a region that is new or back is not given all of its share at once, for its caches are cold.
 *
 * Only beside others that are not new: where a whole fleet starts, or a router does, nobody is to be spared.
 */

/** What a region gets of its capacity at once, and when it gets all of it. */
const leastShare = 0.1
const slowStartMs = 60_000

/**
 * @param since when each region's present life began, ms on the clock of `now`
 * @param into share of its capacity that each region gets, 0.1 to 1
 */
export function rampUp(since: Float64Array, now: number, into: Float64Array): void {
  let longest = leastShare
  for (let region = 0; region < since.length; region++) {
    const share = Math.min(1, Math.max(leastShare, (now - since[region]!) / slowStartMs))
    into[region] = share
    if (share > longest) longest = share
  }
  if (longest < 1) for (let region = 0; region < since.length; region++) into[region]! /= longest
}
