/**
 * What was measured, by node (a client network, a cell, an area) and region, in bounded memory.
 *
 * Nodes are three words, hashed into chains; each carries a list of estimates, one for each region and source. No source
 * weighs more than `mostPerSource` samples: whoever reports most does not thereby outvote the others, and among three or
 * more the middle one counts. A full table drops the node that was used least of late (the clock algorithm with counters,
 * so that a flood of strangers mostly drives out strangers).
 */

import { hashWords } from '../pick.ts'
import { EstimatePool, grown, none, type Scale } from './estimate-pool.ts'

/** Three words that name a node. */
export type NodeKey = readonly [number, number, number]

export interface RegionEstimate {
  readonly region: number
  /** Weight of the samples behind it, at most `mostPerSource` of each source. */
  readonly samples: number
  readonly value: number
}

/** One estimate of one source, as it is kept on disk. */
export interface KeptEstimate {
  readonly key: NodeKey
  readonly region: number
  readonly source: number
  readonly mean: number
  readonly spread: number
  readonly count: number
  readonly seconds: number
}

export const mostPerSource = 32
/** Less than this is left of a sample: nothing. */
const leastCount = 0.02
const mostUses = 3
const bytesPerNode = 3 * 4 + 4 + 4 + 1
const bytesPerHead = 4

export interface TableLimits {
  readonly mostNodes: number
  /** Of any one node: regions times sources. */
  readonly mostEstimatesPerNode: number
}

export class LatencyTable {
  readonly #limits: TableLimits
  readonly #pool: EstimatePool
  readonly #onDrop: (node: number) => void
  #k0 = new Int32Array(0)
  #k1 = new Int32Array(0)
  #k2 = new Int32Array(0)
  #chain = new Int32Array(0)
  #first = new Int32Array(0)
  #uses = new Uint8Array(0)
  #heads = new Int32Array(0)
  #size = 0
  #hand = 0

  /** @param onDrop told of a node that makes room; its number is then another's */
  constructor(limits: TableLimits, scale: Scale, halfLifeSeconds: number, onDrop: (node: number) => void = () => {}) {
    this.#limits = limits
    this.#pool = new EstimatePool(scale, halfLifeSeconds)
    this.#onDrop = onDrop
  }

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#k0.length * bytesPerNode + this.#heads.length * bytesPerHead + this.#pool.bytes
  }

  /** Number of a node, −1 where nothing is known of it. */
  find(k0: number, k1: number, k2: number): number {
    if (this.#size === 0) return none
    let node = this.#heads[this.#slotOf(k0, k1, k2)]!
    while (node !== none && !(this.#k0[node] === k0 && this.#k1[node] === k1 && this.#k2[node] === k2)) {
      node = this.#chain[node]!
    }
    return node
  }

  keyOf(node: number): NodeKey {
    return [this.#k0[node]!, this.#k1[node]!, this.#k2[node]!]
  }

  /**
   * Takes a sample.
   *
   * @param source number of whoever reports it, below 256
   * @param expected what is believed so far, from elsewhere: a first sample far from it is doubted
   * @param seconds since 1970
   * @returns node, and the weight of samples of this region that it had before from this source
   */
  record(
    [k0, k1, k2]: NodeKey,
    region: number,
    source: number,
    value: number,
    expected: number,
    weight: number,
    seconds: number,
  ): { readonly node: number; readonly before: number } {
    let node = this.find(k0, k1, k2)
    if (node === none) node = this.#insert(k0, k1, k2)
    else this.#uses[node] = Math.min(mostUses, this.#uses[node]! + 1)
    const pool = this.#pool
    let [own, length] = [none, 0]
    for (let at = this.#first[node]!; at !== none && own === none; at = pool.next[at]!) {
      length++
      if (pool.region[at] === region && pool.source[at] === source) own = at
    }
    const before = own === none ? 0 : pool.countAt(own, seconds)
    if (own !== none) pool.add(own, value, weight, seconds)
    else {
      if (length >= this.#limits.mostEstimatesPerNode) this.#dropOldest(node)
      this.#link(node, pool.begin(region, source, value, expected, weight, seconds))
    }
    return { node, before }
  }

  /** What is known of a region at a node: the mean of two sources, the middle of more. */
  estimate(node: number, region: number, seconds: number): RegionEstimate | undefined {
    const pool = this.#pool
    const found: Vote[] = []
    for (let at = node === none ? none : this.#first[node]!; at !== none; at = pool.next[at]!) {
      if (pool.region[at] !== region) continue
      const weight = Math.min(mostPerSource, pool.countAt(at, seconds))
      if (weight >= leastCount) found.push({ value: pool.mean[at]!, weight })
    }
    return found.length === 0 ? undefined : { region, ...agreed(found) }
  }

  /** The same of every region that it knows. */
  estimates(node: number, seconds: number): RegionEstimate[] {
    const regions = new Set<number>()
    const pool = this.#pool
    for (let at = node === none ? none : this.#first[node]!; at !== none; at = pool.next[at]!) {
      regions.add(pool.region[at]!)
    }
    return [...regions].flatMap(region => this.estimate(node, region, seconds) ?? [])
  }

  /** Everything that still counts at a time, node by node; samples may come in between. */
  *kept(seconds: number): Generator<KeptEstimate> {
    for (let node = 0; node < this.#size; node++) yield* this.#keptOf(node, seconds)
  }

  /** Takes back what was kept; into an empty table. @returns its node */
  restore({ key: [k0, k1, k2], region, source, mean, spread, count, seconds }: KeptEstimate): number {
    const known = this.find(k0, k1, k2)
    const node = known === none ? this.#insert(k0, k1, k2) : known
    const at = this.#pool.begin(region, source, mean, mean, count, seconds)
    this.#pool.spread[at] = spread
    this.#link(node, at)
    return node
  }

  #keptOf(node: number, seconds: number): KeptEstimate[] {
    const pool = this.#pool
    const key = this.keyOf(node)
    const found: KeptEstimate[] = []
    for (let at = this.#first[node]!; at !== none; at = pool.next[at]!) {
      const count = pool.countAt(at, seconds)
      if (count < leastCount) continue
      const [region, source] = [pool.region[at]!, pool.source[at]!]
      found.push({ key, region, source, mean: pool.mean[at]!, spread: pool.spread[at]!, count, seconds })
    }
    // The list begins with the latest.
    return found.reverse()
  }

  #link(node: number, estimate: number): void {
    this.#pool.next[estimate] = this.#first[node]!
    this.#first[node] = estimate
  }

  /** The last of the list was the first to be there. */
  #dropOldest(node: number): void {
    const { next } = this.#pool
    let before = none
    let at = this.#first[node]!
    while (next[at] !== none) [before, at] = [at, next[at]!]
    if (before === none) this.#first[node] = none
    else next[before] = none
    this.#pool.release(at)
  }

  #insert(k0: number, k1: number, k2: number): number {
    const node = this.#size < this.#limits.mostNodes ? this.#append() : this.#makeRoom()
    this.#k0[node] = k0
    this.#k1[node] = k1
    this.#k2[node] = k2
    this.#first[node] = none
    this.#uses[node] = 0
    const slot = this.#slotOf(k0, k1, k2)
    this.#chain[node] = this.#heads[slot]!
    this.#heads[slot] = node
    return node
  }

  #append(): number {
    if (this.#size === this.#k0.length) this.#grow(Math.min(this.#limits.mostNodes, Math.max(256, this.#size * 2)))
    return this.#size++
  }

  #makeRoom(): number {
    while (this.#uses[this.#hand]! > 0) {
      this.#uses[this.#hand]!--
      this.#hand = (this.#hand + 1) % this.#size
    }
    const node = this.#hand
    this.#hand = (node + 1) % this.#size
    this.#onDrop(node)
    this.#unchain(node)
    this.#pool.release(this.#first[node]!)
    return node
  }

  #unchain(node: number): void {
    const slot = this.#slotOf(...this.keyOf(node))
    if (this.#heads[slot] === node) {
      this.#heads[slot] = this.#chain[node]!
      return
    }
    let at = this.#heads[slot]!
    while (this.#chain[at] !== node) at = this.#chain[at]!
    this.#chain[at] = this.#chain[node]!
  }

  #grow(length: number): void {
    this.#k0 = grown(this.#k0, new Int32Array(length))
    this.#k1 = grown(this.#k1, new Int32Array(length))
    this.#k2 = grown(this.#k2, new Int32Array(length))
    this.#first = grown(this.#first, new Int32Array(length))
    this.#uses = grown(this.#uses, new Uint8Array(length))
    this.#chain = new Int32Array(length)
    this.#heads = new Int32Array(2 ** Math.ceil(Math.log2(length))).fill(none)
    for (let node = 0; node < this.#size; node++) {
      const slot = this.#slotOf(...this.keyOf(node))
      this.#chain[node] = this.#heads[slot]!
      this.#heads[slot] = node
    }
  }

  #slotOf(k0: number, k1: number, k2: number): number {
    return hashWords(hashWords(k0, k1), k2) & (this.#heads.length - 1)
  }
}

interface Vote {
  readonly value: number
  readonly weight: number
}

function agreed(votes: readonly Vote[]): { readonly samples: number; readonly value: number } {
  const samples = votes.reduce((sum, { weight }) => sum + weight, 0)
  if (votes.length > 2) return { samples, value: weightedMedian(votes) }
  return { samples, value: votes.reduce((sum, { value, weight }) => sum + value * weight, 0) / samples }
}

/** The value with half of the weight on either side. */
export function weightedMedian(votes: readonly Vote[]): number {
  const sorted = [...votes].sort((a, b) => a.value - b.value)
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2
  let below = 0
  for (const { value, weight } of sorted) {
    below += weight
    if (below >= half) return value
  }
  return 0
}
