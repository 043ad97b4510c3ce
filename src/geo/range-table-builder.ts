/**
 * Builds a range table from networks in ascending order: fills the gaps, merges neighbours of the same number, and puts
 * the result into shared memory.
 */

import type { RangeColumns } from './range-table.ts'

/** Index of at most 256 KiB for IPv4, which stays in a cache, and 4 MiB for IPv6, whose networks crowd in few /12s. */
const maxIndexBits = { 4: 16, 6: 20 } as const

type Column = Uint32Array<ArrayBuffer>

export class RangeTableBuilder {
  readonly #family: 4 | 6
  /** Words of the starts, and the numbers, with room to grow. */
  readonly #starts: [Column, Column, Column, Column]
  #values: Column = new Uint32Array(1024)
  /** Ranges so far; the first, of number 0, starts at address 0. */
  #count = 1
  /** First address after a network, while it is worked out. */
  readonly #next = new Uint32Array(4)

  constructor(family: 4 | 6) {
    this.#family = family
    const room = () => new Uint32Array(family === 4 ? 0 : 1024)
    this.#starts = [new Uint32Array(1024), room(), room(), room()]
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
    const [starts0, starts1, starts2, starts3] = this.#starts
    starts0[this.#count] = w0
    // Of IPv4 these arrays are empty, and storing past the end of a typed array does nothing.
    starts1[this.#count] = w1
    starts2[this.#count] = w2
    starts3[this.#count] = w3
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
    let carry = 2 ** (31 - (lastBit & 31))
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
    const count = this.#count
    const used = this.#starts.map(column => column.subarray(0, count))
    const isDeep = used.slice(2).some(column => column.some(word => word !== 0))
    const words = this.#family === 4 ? 1 : isDeep ? 4 : 2
    const keep = (word: number) => toShared(word < words ? used[word]! : new Uint32Array(0))
    const bits = Math.min(Math.max(1, Math.ceil(Math.log2(count))), maxIndexBits[this.#family])
    return {
      words,
      starts: [keep(0), keep(1), keep(2), keep(3)],
      values: toShared(this.#values.subarray(0, count)),
      index: indexOf(used[0]!, bits),
      indexShift: 32 - bits,
    }
  }

  #lastStartsAt(w0: number, w1: number, w2: number, w3: number): boolean {
    const last = this.#count - 1
    const [starts0, starts1, starts2, starts3] = this.#starts
    return (
      starts0[last] === w0 >>> 0 &&
      (this.#family === 4 || (starts1[last] === w1 >>> 0 && starts2[last] === w2 >>> 0 && starts3[last] === w3 >>> 0))
    )
  }

  #grow(): void {
    for (const [word, column] of this.#starts.entries()) this.#starts[word] = doubled(column)
    this.#values = doubled(this.#values)
  }
}

function doubled(column: Column): Column {
  const larger = new Uint32Array(column.length * 2)
  larger.set(column)
  return larger
}

/** A copy in shared memory. */
export function toShared(column: Uint32Array): Uint32Array {
  const shared = new Uint32Array(new SharedArrayBuffer(column.byteLength))
  shared.set(column)
  return shared
}

/** For every bucket of first words, the last range that starts before it: with the next entry, it bounds a search. */
function indexOf(starts: Uint32Array, bits: number): Uint32Array {
  const index = new Uint32Array(new SharedArrayBuffer((2 ** bits + 1) * 4))
  let range = 0
  for (let bucket = 0; bucket <= 2 ** bits; bucket++) {
    const first = bucket * 2 ** (32 - bits)
    while (range + 1 < starts.length && starts[range + 1]! < first) range++
    index[bucket] = range
  }
  return index
}
