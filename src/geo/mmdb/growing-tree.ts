/**
 * The search tree of a database in the making: a binary trie that networks are put into one by one, and then condensed.
 *
 * Knows numbers only: what a record holds is the writer's affair.
 */

/** Below 0 a record (-1 is the first), 0 nothing, above 0 a node (1 is the root). */
export type Slot = number

/** A tree in which no subtree stands twice. */
export interface CondensedTree {
  /** Left and right slot of each node, the root's first. */
  readonly slots: Int32Array
  readonly nodeCount: number
}

const root = 1

export class GrowingTree {
  /** Left and right of each node; the first pair is unused. */
  #slots = new Int32Array(1 << 12)
  #nodes = root

  /** Puts a slot at the end of a path of bits, over everything that stood there. Words as in an IPv6 address. */
  put(words: readonly number[], prefixLength: number, slot: Slot): void {
    if (prefixLength === 0) {
      this.#slots.fill(slot, 2 * root, 2 * root + 2)
      return
    }
    let node = root
    for (let depth = 0; depth < prefixLength - 1; depth++) node = this.#nodeAt(2 * node + bitOf(words, depth))
    this.#slots[2 * node + bitOf(words, prefixLength - 1)] = slot
  }

  /** What stands at the end of a path, or above it where the path leaves the tree. */
  slotAt(words: readonly number[], prefixLength: number): Slot {
    let slot: Slot = root
    for (let depth = 0; depth < prefixLength && slot > 0; depth++) slot = this.#slots[2 * slot + bitOf(words, depth)]!
    return slot
  }

  /** Merges siblings with equal records and shares equal subtrees, from the leaves up. */
  condense(): CondensedTree {
    const condensed = new Int32Array(this.#nodes + 1)
    const known = new Map<number, Slot>()
    const pairs = new Int32Array(2 * this.#nodes)
    let count = 0
    const condenseNode = (node: number): Slot => {
      // Right first: in the file, which begins with the node done last, a left child then follows its parent.
      const right = condenseSlot(this.#slots[2 * node + 1]!)
      const left = condenseSlot(this.#slots[2 * node]!)
      if (left === right && left <= 0 && node !== root) return left
      // Both in one number, exact while there are fewer than 2^26 nodes and records.
      const shape = left * 2 ** 27 + right
      const twin = known.get(shape)
      if (twin !== undefined) return twin
      pairs.set([left, right], 2 * count++)
      known.set(shape, count)
      return count
    }
    // A node is met more than once where an alias leads to it.
    const condenseSlot = (slot: Slot): Slot => {
      if (slot > 0 && condensed[slot] === 0) condensed[slot] = condenseNode(slot)
      return slot > 0 ? condensed[slot]! : slot
    }
    condenseNode(root)
    return { slots: rootFirst(pairs, count), nodeCount: count }
  }

  /** The node that an entry leads to; what stood there before is inherited by both halves. */
  #nodeAt(entry: number): number {
    const slot = this.#slots[entry]!
    if (slot > 0) return slot
    const node = ++this.#nodes
    if (2 * node + 2 > this.#slots.length) {
      const larger = new Int32Array(2 * this.#slots.length)
      larger.set(this.#slots)
      this.#slots = larger
    }
    this.#slots.fill(slot, 2 * node, 2 * node + 2)
    this.#slots[entry] = node
    return node
  }
}

function bitOf(words: readonly number[], depth: number): 0 | 1 {
  return ((words[depth >> 5]! >>> (31 - (depth & 31))) & 1) as 0 | 1
}

/** Numbers the other way round: children were done first, but a file begins with the root. */
function rootFirst(pairs: Int32Array, count: number): Int32Array {
  const slots = new Int32Array(2 * count)
  for (let entry = 0; entry < 2 * count; entry++) {
    const slot = pairs[entry]!
    slots[2 * (count - 1 - (entry >> 1)) + (entry & 1)] = slot > 0 ? count + 1 - slot : slot
  }
  return slots
}
