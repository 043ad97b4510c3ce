/**
 * Builds a range table from networks in ascending order: fills the gaps, merges neighbours of the same number, and puts
 * the result into shared memory.
 */

import type { RangeColumns } from './range-table.ts'

/** Index of at most 256 KiB for IPv4, which stays in a cache, and 4 MiB for IPv6, whose networks crowd in few /12s. */
const maxIndexBits = { 4: 16, 6: 20 } as const

/** Ranges that a builder has room for at first; it doubles when it has to. */
const firstRoom = 1024

type Column = Uint32Array<ArrayBuffer>

export class RangeTableBuilder {
  readonly #family: 4 | 6
  /** Words of the starts, and the numbers, with room to grow. */
  #starts0: Column = new Uint32Array(firstRoom)
  #starts1: Column = new Uint32Array(firstRoom)
  #starts2: Column = new Uint32Array(firstRoom)
  #starts3: Column = new Uint32Array(firstRoom)
  #values: Column = new Uint32Array(firstRoom)
  /** Ranges so far; the first, of number 0, starts at address 0. */
  #count = 1
  /** First address after a network, while it is worked out. */
  readonly #next = new Uint32Array(4)

  constructor(family: 4 | 6) {
    this.#family = family
  }

  /** Adds a network; it has to lie after all those added before. Words as in `ClientAddress`. */
  addNetwork(w0: number, w1: number, w2: number, w3: number, prefixLength: number, value: number): void {
    this.startRange(w0, w1, w2, w3, value)
    this.endNetwork(w0, w1, w2, w3, prefixLength, 0)
  }

  /** From this address on the number is `value`; a range that started at the same address is replaced. */
  startRange(w0: number, w1: number, w2: number, w3: number, value: number): void {
    if (this.#lastStartsAt(w0, w1, w2, w3)) this.#count--
    if (this.#count > 0 && this.#values[this.#count - 1] === value) return
    if (this.#count === this.#values.length) this.#grow()
    this.#starts0[this.#count] = w0
    if (this.#family === 6) {
      this.#starts1[this.#count] = w1
      this.#starts2[this.#count] = w2
      this.#starts3[this.#count] = w3
    }
    this.#values[this.#count++] = value
  }

  /** After the last address of this network the number is `value`. */
  endNetwork(w0: number, w1: number, w2: number, w3: number, prefixLength: number, value: number): void {
    const next = this.#next
    next[0] = w0
    next[1] = w1
    next[2] = w2
    next[3] = w3
    const lastBit = prefixLength - 1
    let carry = 0x8000_0000 >>> (lastBit & 31)
    for (let word = lastBit >> 5; word >= 0; word--) {
      const sum = next[word]! + carry
      next[word] = sum
      if (sum < 2 ** 32) {
        this.startRange(next[0]!, next[1]!, next[2]!, next[3]!, value)
        return
      }
      carry = 1
    }
    // The network reaches to the end of the address space: nothing comes after it.
  }

  /** The finished table; the builder is of no use after that. */
  finish(): RangeColumns {
    const used = (column: Column) => column.subarray(0, this.#count)
    const isDeep = [this.#starts2, this.#starts3].some(column => used(column).some(word => word !== 0))
    const words = this.#family === 4 ? 1 : isDeep ? 4 : 2
    const kept = (column: Column, word: number) => toShared(word < words ? used(column) : new Uint32Array(0))
    const bits = Math.min(Math.max(1, Math.ceil(Math.log2(this.#count))), maxIndexBits[this.#family])
    return {
      words,
      starts: [kept(this.#starts0, 0), kept(this.#starts1, 1), kept(this.#starts2, 2), kept(this.#starts3, 3)],
      values: toShared(used(this.#values)),
      index: indexOf(used(this.#starts0), bits),
      indexShift: 32 - bits,
    }
  }

  #lastStartsAt(w0: number, w1: number, w2: number, w3: number): boolean {
    const last = this.#count - 1
    if (this.#starts0[last] !== w0 >>> 0) return false
    if (this.#family === 4) return true
    return this.#starts1[last] === w1 >>> 0 && this.#starts2[last] === w2 >>> 0 && this.#starts3[last] === w3 >>> 0
  }

  #grow(): void {
    this.#values = doubled(this.#values)
    this.#starts0 = doubled(this.#starts0)
    if (this.#family === 4) return
    this.#starts1 = doubled(this.#starts1)
    this.#starts2 = doubled(this.#starts2)
    this.#starts3 = doubled(this.#starts3)
  }
}

function doubled(column: Column): Column {
  const larger = new Uint32Array(column.length * 2)
  larger.set(column)
  return larger
}

/** A copy in shared memory. */
function toShared(column: Uint32Array): Uint32Array {
  const shared = new Uint32Array(new SharedArrayBuffer(column.byteLength))
  shared.set(column)
  return shared
}

/** For every bucket of first words, the last range that starts before it: with the next entry, it bounds a search. */
function indexOf(starts: Uint32Array, bits: number): Uint32Array {
  const index = new Uint32Array(new SharedArrayBuffer((2 ** bits + 1) * 4))
  const bucketSize = 2 ** (32 - bits)
  let range = 0
  for (let bucket = 0; bucket < index.length; bucket++) {
    while (range + 1 < starts.length && starts[range + 1]! < bucket * bucketSize) range++
    index[bucket] = range
  }
  return index
}
