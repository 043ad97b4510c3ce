/**
 * A locator that knows, beside where clients are, what was measured of them: cells carry beliefs, and networks that fare
 * otherwise than their cell have a cell of their own, of the same place and country.
 *
 * It never changes, like any locator: when beliefs have changed noticeably, another one takes its place. Its cells keep
 * their numbers over that, as long as the locator below is the same.
 */

import { type ClientAddress, embeddedIpv4, embeddingOf, notEmbedded } from '../../geo/address.ts'
import type { Cell, Location, Locator, Pin, SourceInfo } from '../../geo/location.ts'
import { hashWords } from '../pick.ts'
import type { RttBelief } from './belief.ts'
import { none } from './estimate-pool.ts'
import type { NodeKey } from './latency-table.ts'

/** Networks that may have a cell of their own. */
export const mostOwnCells = 8192

export interface OwnCell {
  readonly key: NodeKey
  /** Its place among the cells of networks, below `mostOwnCells`. */
  readonly slot: number
  /** Number of the cell in which it lies. */
  readonly cell: number
  readonly belief: RttBelief
}

export class MeasuredLocator implements Locator {
  readonly cells: readonly Cell[]
  readonly pins: readonly Pin[]
  readonly sources: readonly SourceInfo[]
  readonly #base: Locator
  readonly #firstOwn: number
  /** Open addressing: network words and slot. */
  readonly #w0: Int32Array
  readonly #w1: Int32Array
  readonly #slot: Int32Array
  readonly #ownCells: number

  /** @param beliefs by cell number of the base */
  constructor(base: Locator, beliefs: ReadonlyMap<number, RttBelief>, own: readonly OwnCell[]) {
    this.#base = base
    this.pins = base.pins
    this.sources = base.sources
    this.#firstOwn = base.cells.length
    this.#ownCells = own.length
    const cells: Cell[] = [...base.cells]
    for (const [number, belief] of beliefs) cells[number] = Object.assign({}, cells[number], { belief })
    for (let slot = 0; slot < mostOwnCells; slot++) cells.push({ number: this.#firstOwn + slot })
    for (const { slot, cell, belief } of own) {
      const number = this.#firstOwn + slot
      cells[number] = Object.assign({}, base.cells[cell], { number, belief })
    }
    this.cells = cells
    const length = 2 ** Math.ceil(Math.log2(2 * own.length + 1))
    this.#w0 = new Int32Array(length)
    this.#w1 = new Int32Array(length)
    this.#slot = new Int32Array(length).fill(none)
    for (const { key, slot } of own) this.#put(key, slot)
  }

  /** Below 0 for a network with a cell of its own. */
  locationNumber(address: ClientAddress): number {
    if (this.#ownCells > 0) {
      const slot = this.#slotOf(address)
      if (slot !== none) return -1 - slot
    }
    return this.#base.locationNumber(address)
  }

  cellOf(locationNumber: number): number {
    return locationNumber < 0 ? this.#firstOwn - 1 - locationNumber : this.#base.cellOf(locationNumber)
  }

  locate(address: ClientAddress): Location | undefined {
    return this.#base.locate(address)
  }

  pinIndex(address: ClientAddress): number {
    return this.#base.pinIndex(address)
  }

  /** A network with a cell of its own is not answered for together with its neighbours. */
  prefixLength(address: ClientAddress): number {
    const length = this.#base.prefixLength(address)
    if (this.#ownCells === 0) return length
    // Any network near by may be one of those: only its own prefix is safe.
    const embedding = embeddingOf(address)
    if (embedding !== notEmbedded) return Math.max(length, embedding + 24)
    return Math.max(length, address.family === 4 ? 24 : 48)
  }

  #slotOf(address: ClientAddress): number {
    if (address.family === 4) return this.#find(address.w0 & 0xffffff00, 0)
    if (embeddingOf(address) !== notEmbedded) return this.#find(embeddedIpv4(address) & 0xffffff00, 0)
    // The low bits, which a /48 leaves free, keep the two families apart.
    return this.#find(address.w0, (address.w1 & 0xffff0000) | 6)
  }

  #find(w0: number, w1: number): number {
    const mask = this.#slot.length - 1
    let at = hashWords(w0, w1) & mask
    while (this.#slot[at] !== none && !(this.#w0[at] === w0 && this.#w1[at] === w1)) at = (at + 1) & mask
    return this.#slot[at]!
  }

  #put([k0, k1, k2]: NodeKey, slot: number): void {
    const w1 = k2 === 6 ? k1 | 6 : 0
    const mask = this.#slot.length - 1
    let at = hashWords(k0, w1) & mask
    while (this.#slot[at] !== none) at = (at + 1) & mask
    this.#w0[at] = k0
    this.#w1[at] = w1
    this.#slot[at] = slot
  }
}
