/** Chance that a test can repeat: a small seeded generator (mulberry32), and numbers made from it. */

import type { Random } from '../../src/clock.ts'

export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Any 32-bit word, signed. */
export function randomWord(random: Random): number {
  return (random() * 2 ** 32) | 0
}

/** A whole number from 0 to `below` - 1. */
export function randomInteger(random: Random, below: number): number {
  return Math.floor(random() * below)
}
