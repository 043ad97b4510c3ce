/** Chance that a test can repeat: the simulator's generator, and numbers made from it. */

import type { Random } from '../../src/clock.ts'

export { seededRandom } from '../../src/sim/random.ts'

/** Any 32-bit word, signed. */
export function randomWord(random: Random): number {
  return (random() * 2 ** 32) | 0
}

/** A whole number from 0 to `below` - 1. */
export function randomInteger(random: Random, below: number): number {
  return Math.floor(random() * below)
}
