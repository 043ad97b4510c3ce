/** Random addresses of the kinds that matter: both families, zeros, IPv4 inside IPv6, and near misses of a network. */

import type { Random } from '../../src/clock.ts'
import { ClientAddress } from '../../src/geo/address.ts'
import type { Network } from '../../src/geo/network.ts'
import { randomInteger, randomWord } from './seeded-random.ts'

/** An address anywhere or, mostly, within `near` or next to it: one bit of it flipped, then random bits at the end. */
export function randomAddress(random: Random, near?: Network): ClientAddress {
  if (near === undefined || random() < 0.1) return anyAddress(random)
  const { family, w0, w1, w2, w3 } = near.address
  const bits = family === 4 ? 32 : 128
  const words = [w0, w1, w2, w3]
  if (random() < 0.5) flip(words, randomInteger(random, bits))
  for (let bit = near.prefixLength; bit < bits; bit++) if (random() < 0.5) flip(words, bit)
  return new ClientAddress(family, words[0]!, words[1], words[2], words[3])
}

function anyAddress(random: Random): ClientAddress {
  if (random() < 0.4) return new ClientAddress(4, randomWord(random))
  if (random() < 0.1) return new ClientAddress(6, 0, 0, 0xffff, randomWord(random))
  return new ClientAddress(6, zeroOrRandom(random), zeroOrRandom(random), zeroOrRandom(random), zeroOrRandom(random))
}

function zeroOrRandom(random: Random): number {
  const kind = random()
  if (kind < 0.4) return 0
  return kind < 0.6 ? randomWord(random) & 0xffff : randomWord(random)
}

function flip(words: number[], bit: number): void {
  words[bit >>> 5]! ^= 1 << (31 - (bit & 31))
}
