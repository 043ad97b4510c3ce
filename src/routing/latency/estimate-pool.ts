/**
 * Running estimates in typed arrays: what one source (or several that share a bucket) has measured of one region. Lists
 * of them hang on the nodes of a `LatencyTable`; what they are about, only that knows.
 *
 * Each estimate is a clipped running mean: no sample moves it further than three times its usual deviation, so that a
 * retransmitted handshake of a second, or a lie, counts as a late sample and not as a second (Huber 1964).
 */

/** How far values of one kind lie apart: logarithms of milliseconds do otherwise than milliseconds. */
export interface Scale {
  /** A first sample counts as at most this far from what was expected. */
  readonly firstClip: number
  readonly firstSpread: number
  readonly leastSpread: number
}

/** Of ln(ms): a factor of 4 at first, and noise of 5 % at least. */
export const logarithmic: Scale = { firstClip: Math.log(4), firstSpread: 0.4, leastSpread: 0.05 }
/** Of ms. */
export const additive: Scale = { firstClip: 100, firstSpread: 40, leastSpread: 3 }

const clipAt = 3
/** Of a normal distribution: deviation over mean absolute deviation. */
const deviationPerAbsolute = 1.25
/** A new sample never weighs less than one of so many: paths change. */
const longestMemory = 64
export const none = -1

const bytesPerEstimate = 2 + 1 + 4 + 4 + 4 + 4 + 4

export class EstimatePool {
  region = new Uint16Array(0)
  source = new Uint8Array(0)
  mean = new Float32Array(0)
  spread = new Float32Array(0)
  /** Samples, decayed to what was left of them at `seconds`. */
  count = new Float32Array(0)
  seconds = new Uint32Array(0)
  next = new Int32Array(0)
  #used = 0
  #free = none
  #live = 0
  readonly #scale: Scale
  readonly #halfLifeSeconds: number

  constructor(scale: Scale, halfLifeSeconds: number) {
    this.#scale = scale
    this.#halfLifeSeconds = halfLifeSeconds
  }

  /** Estimates in use. */
  get size(): number {
    return this.#live
  }

  get bytes(): number {
    return this.region.length * bytesPerEstimate
  }

  /** A new estimate that begins with one sample of some weight. */
  begin(region: number, source: number, value: number, expected: number, weight: number, seconds: number): number {
    const { firstClip, firstSpread } = this.#scale
    const at = this.#take()
    this.region[at] = region
    this.source[at] = source
    this.mean[at] = expected + clip(value - expected, firstClip)
    this.spread[at] = firstSpread
    this.count[at] = weight
    this.seconds[at] = seconds
    return at
  }

  add(at: number, value: number, weight: number, seconds: number): void {
    const known = this.countAt(at, seconds)
    const spread = this.spread[at]!
    const error = clip(value - this.mean[at]!, clipAt * spread)
    const gain = Math.max(weight / (known + weight), weight / (longestMemory + weight))
    this.mean[at]! += gain * error
    const wanted = Math.max(this.#scale.leastSpread, deviationPerAbsolute * Math.abs(error))
    this.spread[at] = spread + gain * (wanted - spread)
    this.count[at] = known + weight
    this.seconds[at] = Math.max(seconds, this.seconds[at]!)
  }

  /** What is left of its samples at a time. */
  countAt(at: number, seconds: number): number {
    const age = Math.max(0, seconds - this.seconds[at]!)
    return this.count[at]! * 2 ** (-age / this.#halfLifeSeconds)
  }

  /** Gives a list of estimates back. */
  release(first: number): void {
    for (let at = first; at !== none; ) {
      const next = this.next[at]!
      this.next[at] = this.#free
      this.#free = at
      this.#live--
      at = next
    }
  }

  #take(): number {
    this.#live++
    if (this.#free !== none) {
      const at = this.#free
      this.#free = this.next[at]!
      return at
    }
    if (this.#used === this.region.length) this.#grow(Math.max(256, Math.ceil(this.#used * 1.5)))
    return this.#used++
  }

  #grow(length: number): void {
    this.region = grown(this.region, new Uint16Array(length))
    this.source = grown(this.source, new Uint8Array(length))
    this.mean = grown(this.mean, new Float32Array(length))
    this.spread = grown(this.spread, new Float32Array(length))
    this.count = grown(this.count, new Float32Array(length))
    this.seconds = grown(this.seconds, new Uint32Array(length))
    this.next = grown(this.next, new Int32Array(length))
  }
}

function clip(value: number, most: number): number {
  return Math.min(most, Math.max(-most, value))
}

/** Copies a column into a longer one. */
export function grown<T extends { set(from: T): void }>(from: T, into: T): T {
  into.set(from)
  return into
}
