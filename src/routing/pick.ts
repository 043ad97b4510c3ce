/**
 * Which of several regions of like cost takes this client: softmax weights and a weighted rendezvous hash.
 *
 * The pick depends on nothing but key, weights and region ids, so that every router and every transport gives one client
 * the same answer, and a share that moves takes along only as many clients as needed (Thaler & Ravishankar 1998; the
 * weighted form with exponential variates is Mosharaf's and others': the smallest −ln(u)/w wins with probability w/Σw).
 */

/** Regions whose weight is below this part of the heaviest get no clients: their share would be noise. */
export const smallestRelativeWeight = 0.01

/** How much dearer than the cheapest a region may be and still take clients, ms. */
export function windowMs(temperatureMs: number): number {
  return -Math.log(smallestRelativeWeight) * temperatureMs
}

/**
 * Index (0 … count−1) of the winner.
 *
 * @param key 32-bit hash of the affinity key or client network
 * @param seeds 32-bit hash of each region's id, by region index
 * @param regions region indices of the contenders
 * @param weights of the contenders, each at least 0; when all are 0, the first wins
 */
export function rendezvous(
  key: number,
  seeds: Int32Array,
  regions: ArrayLike<number>,
  weights: ArrayLike<number>,
  count: number,
): number {
  let winner = 0
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < count; i++) {
    const weight = weights[i]!
    const u = uniform(key ^ seeds[regions[i]!]!)
    // −ln(u) is never below 1 − u: most contenders lose without a logarithm.
    if (1 - u >= least * weight) continue
    const score = -Math.log(u) / weight
    if (score < least) {
      least = score
      winner = i
    }
  }
  return winner
}

/** Hash of 32 bits to a number in (0, 1): the finaliser of MurmurHash3 over the golden ratio's bits. */
function uniform(bits: number): number {
  let h = Math.imul(bits, 0x9e3779b1)
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  h ^= h >>> 16
  return ((h >>> 0) + 0.5) / 4294967296
}

/** 32-bit hash of a text (FNV-1a over UTF-16 code units, finished so that near texts lie far apart). */
export function hashText(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return hashWords(h, text.length)
}

/** 32-bit hash of two words. */
export function hashWords(a: number, b: number): number {
  let h = Math.imul(a, 0xcc9e2d51)
  h = (h << 15) | (h >>> 17)
  h = Math.imul(h, 0x1b873593) ^ Math.imul(b, 0x38b34ae5)
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}
