/**
 * The whole address space of one family, cut into ranges that each have a number: what a search tree becomes once it is
 * flattened. Knows nothing of what the numbers mean.
 *
 * The columns are typed arrays over shared memory, so that a worker builds a table and others read it without a copy.
 * Ranges are sorted and touch each other; what no network covers is a range of number 0. Only where they start is kept.
 */

/** What a table consists of: it may be sent to another thread, which makes a `RangeTable` of it. */
export interface RangeColumns {
  /** Words of a start that are kept: 1 for IPv4; 2 for IPv6, or 4 where some range starts inside a /64. */
  readonly words: 1 | 2 | 4
  /** The words of each range's start, most significant first; an array that is not needed is empty. */
  readonly starts: readonly [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
  readonly values: Uint32Array
  /** For every value of the first bits of an address: the last range that starts before all addresses with those bits. */
  readonly index: Uint32Array
  /** How far an address's first word is shifted to give a place in `index`. */
  readonly indexShift: number
}

export class RangeTable {
  readonly #words: 1 | 2 | 4
  readonly #starts0: Uint32Array
  readonly #starts1: Uint32Array
  readonly #starts2: Uint32Array
  readonly #starts3: Uint32Array
  readonly #values: Uint32Array
  readonly #index: Uint32Array
  readonly #indexShift: number

  constructor({ words, starts, values, index, indexShift }: RangeColumns) {
    this.#words = words
    ;[this.#starts0, this.#starts1, this.#starts2, this.#starts3] = starts
    this.#values = values
    this.#index = index
    this.#indexShift = indexShift
  }

  /** Number of the range that holds an address, given as words; of an IPv4 address only the first counts. */
  valueOf(w0: number, w1: number, w2: number, w3: number): number {
    return this.#values[this.#find(w0, w1, w2, w3)]!
  }

  /** Length of the widest prefix around the address in which every address has the same number. Constant time. */
  prefixLengthOf(w0: number, w1: number, w2: number, w3: number): number {
    const range = this.#find(w0, w1, w2, w3)
    // A prefix is too wide as soon as it takes in the neighbour on either side, so it has to be one bit longer than what
    // the address has in common with the nearer of them.
    const before = range === 0 ? 0 : this.#commonBitsBefore(range, w0, w1, w2, w3) + 1
    const after = range + 1 === this.#values.length ? 0 : this.#commonBitsAt(range + 1, w0, w1, w2, w3) + 1
    return Math.max(before, after)
  }

  /** The last range that starts at or before the address. */
  #find(w0: number, w1: number, w2: number, w3: number): number {
    const key = w0 >>> 0
    const bucket = key >>> this.#indexShift
    let low = this.#index[bucket]!
    let high = this.#index[bucket + 1]!
    const starts = this.#starts0
    const wide = this.#words !== 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      const start = starts[middle]!
      if (start < key || (start === key && !(wide && this.#startsLater(middle, w1, w2, w3)))) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Whether a range that has the first word in common with an address starts after it. */
  #startsLater(range: number, w1: number, w2: number, w3: number): boolean {
    const start1 = this.#starts1[range]!
    if (start1 !== w1 >>> 0) return start1 > w1 >>> 0
    if (this.#words === 2) return false
    const start2 = this.#starts2[range]!
    return start2 === w2 >>> 0 ? this.#starts3[range]! > w3 >>> 0 : start2 > w2 >>> 0
  }

  /** Leading bits that an address has in common with the start of a range. */
  #commonBitsAt(range: number, w0: number, w1: number, w2: number, w3: number): number {
    const first = Math.clz32(this.#starts0[range]! ^ w0)
    if (first < 32 || this.#words === 1) return first
    const second = Math.clz32(this.#starts1[range]! ^ w1)
    if (second < 32) return 32 + second
    const deep = this.#words === 4
    const third = Math.clz32((deep ? this.#starts2[range]! : 0) ^ w2)
    return third < 32 ? 64 + third : 96 + Math.clz32((deep ? this.#starts3[range]! : 0) ^ w3)
  }

  /** The same for the last address before a range: its start minus one, borrowing from word to word. */
  #commonBitsBefore(range: number, w0: number, w1: number, w2: number, w3: number): number {
    const start0 = this.#starts0[range]!
    if (this.#words === 1) return Math.clz32((start0 - 1) ^ w0)
    const start1 = this.#starts1[range]!
    const start2 = this.#words === 4 ? this.#starts2[range]! : 0
    const start3 = this.#words === 4 ? this.#starts3[range]! : 0
    const borrow2 = start3 === 0 ? 1 : 0
    const borrow1 = borrow2 === 1 && start2 === 0 ? 1 : 0
    const borrow0 = borrow1 === 1 && start1 === 0 ? 1 : 0
    const first = Math.clz32((start0 - borrow0) ^ w0)
    if (first < 32) return first
    const second = Math.clz32((start1 - borrow1) ^ w1)
    if (second < 32) return 32 + second
    const third = Math.clz32((start2 - borrow2) ^ w2)
    return third < 32 ? 64 + third : 96 + Math.clz32((start3 - 1) ^ w3)
  }
}
