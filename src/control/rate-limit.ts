/**
 * How often somebody may ask: a token bucket for each caller, so that one who asks too much slows nobody but himself.
 *
 * A bucket holds `burst` calls and fills up at `perSecond`.
 */

export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

/** Buckets kept; the one that was used the longest ago goes first. A caller seen anew starts with a full one. */
const mostBuckets = 10_000

interface Bucket {
  level: number
  at: number
}

/**
 * @param limit asked at every call: when it has changed, buckets stay as full as they are, but for what no longer fits in
 * @param now milliseconds
 * @returns takes a call out of a caller's bucket: 0 when there was one, else how long to wait for the next, ms
 */
export function createRateLimiter(limit: () => RateLimit, now: () => number): (caller: string) => number {
  const buckets = new Map<string, Bucket>()
  return caller => {
    const at = now()
    const { perSecond, burst } = limit()
    const bucket = buckets.get(caller) ?? { level: burst, at }
    // Taken out and put back, so that the map's own order is that of use.
    buckets.delete(caller)
    buckets.set(caller, bucket)
    if (buckets.size > mostBuckets) buckets.delete(buckets.keys().next().value!)
    bucket.level = Math.min(burst, bucket.level + (Math.max(0, at - bucket.at) / 1000) * perSecond)
    bucket.at = at
    if (bucket.level < 1) return ((1 - bucket.level) / perSecond) * 1000
    bucket.level--
    return 0
  }
}
