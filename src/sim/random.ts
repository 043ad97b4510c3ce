/** Chance that can be repeated: a small seeded generator (mulberry32), and the distributions that a world needs. */

import type { Random } from '../clock.ts'

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Waiting time until the next of events that come at `rate`, in the rate's unit of time. */
export function exponential(random: Random, rate: number): number {
  return -Math.log(1 - random()) / rate
}

/** Normal with mean 0 and deviation 1 (Box and Muller 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Lognormal with this mean; `sigma` is the deviation of its logarithm. */
export function lognormal(random: Random, mean: number, sigma: number): number {
  return mean * Math.exp(sigma * normal(random) - (sigma * sigma) / 2)
}
