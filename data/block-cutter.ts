/**
 * Cuts networks at a greatest prefix length: a block of that length gets the value that covers most of it, finer networks
 * in it are gone. Space that is not covered at all has no vote.
 */

import { ClientAddress } from '../src/geo/address.ts'
import type { Network } from '../src/geo/network.ts'

/** What networks are cut at: where routing on the Internet ends, or nearly so for IPv6. */
export const cutLength = { 4: 24, 6: 40 } as const

export class BlockCutter<Value> {
  readonly #family: 4 | 6
  readonly #put: (network: Network, value: Value) => void
  /** Of the block that is being gathered: share of it by value. */
  readonly #shares = new Map<Value, number>()
  #block = new ClientAddress(4, 0)

  /** @param put takes networks that are not longer than the cut, in address order */
  constructor(family: 4 | 6, put: (network: Network, value: Value) => void) {
    this.#family = family
    this.#put = put
  }

  /** Networks come in address order and without overlap; for a cut this short, their first two words say it all. */
  add(w0: number, w1: number, prefixLength: number, value: Value): void {
    if (prefixLength <= cutLength[this.#family]) {
      this.finish()
      this.#put({ address: new ClientAddress(this.#family, w0, w1), prefixLength }, value)
      return
    }
    const block = this.#family === 4 ? new ClientAddress(4, w0 & -0x100) : new ClientAddress(6, w0, w1 & -0x100_0000)
    if (block.w0 !== this.#block.w0 || block.w1 !== this.#block.w1) this.finish()
    this.#block = block
    this.#shares.set(value, (this.#shares.get(value) ?? 0) + 2 ** (cutLength[this.#family] - prefixLength))
  }

  /** Puts the last block. */
  finish(): void {
    const value = heaviest(this.#shares)
    if (value !== undefined) this.#put({ address: this.#block, prefixLength: cutLength[this.#family] }, value)
    this.#shares.clear()
  }
}

/** The key with the greatest number; of equal ones the first. */
export function heaviest<Key>(weights: ReadonlyMap<Key, number>): Key | undefined {
  let best: Key | undefined
  let most = 0
  for (const [key, weight] of weights) {
    if (weight <= most) continue
    best = key
    most = weight
  }
  return best
}
