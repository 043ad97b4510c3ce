/**
 * The search tree of a MaxMind DB: a binary trie over address bits, stored as an array of nodes of two records each.
 *
 * A record below the node count is a node, the node count itself is "nothing known", and anything above is the offset of
 * data. Subtrees may be shared. The tree is surveyed once, in time linear in the file, and after that is known to end:
 * no cycles, no path longer than an address, no sharing that would make a walk take for ever.
 */

import type { MeridianError } from '../../errors.ts'
import { ClientAddress } from '../address.ts'
import type { Network } from '../network.ts'
import type { MmdbMetadata } from './metadata.ts'

/** Between the tree and the data section. */
export const separatorBytes = 16

/** Where IPv4 lives in a tree of ip_version 6. */
const ipv4Space: Network = { address: new ClientAddress(6, 0), prefixLength: 96 }

/** Where databases repeat it: IPv4-mapped addresses, Teredo and 6to4. */
export const ipv4Aliases: readonly Network[] = [
  { address: new ClientAddress(6, 0, 0, 0xffff), prefixLength: 96 },
  { address: new ClientAddress(6, 0x2001_0000), prefixLength: 32 },
  { address: new ClientAddress(6, 0x2002_0000), prefixLength: 16 },
]

/** Nodes that one walk may visit, shared ones counted every time: no walk takes more than a few seconds. */
const maxWalkedNodes = 2 ** 27

/**
 * Told of every network with data, in address order. Words are signed and most significant first; an IPv4 network is
 * `w0` alone with a prefix length of 0–32.
 */
export type MmdbVisitor = (
  w0: number,
  w1: number,
  w2: number,
  w3: number,
  prefixLength: number,
  recordOffset: number,
) => void

type ReadRecord = (node: number, side: number) => number

export class SearchTree {
  readonly #nodeCount: number
  readonly #bits: number
  readonly #read: ReadRecord
  /** Record that stands for the whole of IPv4: node, data or nothing. */
  readonly #ipv4Root: number

  /**
   * @param bytes the tree alone
   * @param dataBytes length of the data section that its records lead to
   * @throws what `fail` makes of the first fault found
   */
  constructor(bytes: Uint8Array, metadata: MmdbMetadata, dataBytes: number, fail: (fault: string) => MeridianError) {
    this.#nodeCount = metadata.nodeCount
    this.#bits = metadata.ipVersion === 6 ? 128 : 32
    this.#read = recordReader(bytes, metadata.recordSize)
    this.#ipv4Root = this.#findIpv4Root()
    this.#survey(dataBytes, fail)
  }

  /** Visits every network with data; the contract stands with `MmdbReader.walk`. */
  walk(family: 4 | 6, visit: MmdbVisitor): void {
    if (family === 4) this.#walkFrom(this.#ipv4Root, undefined, visit)
    else if (this.#bits === 128) this.#walkFrom(0, this.#ipv4Root, visit)
  }

  #findIpv4Root(): number {
    let record = 0
    for (let depth = 32; depth < this.#bits && record < this.#nodeCount; depth++) record = this.#read(record, 0)
    return record
  }

  /** @param hole record that is left out where it stands for IPv4 */
  #walkFrom(root: number, hole: number | undefined, visit: MmdbVisitor): void {
    const nodeCount = this.#nodeCount
    const read = this.#read
    const words = new Int32Array(4)
    // What is still to be visited: at most one right-hand record for each bit.
    const pendingRecord = new Float64Array(128)
    const pendingDepth = new Uint8Array(128)
    let pending = 0
    let depth = 0
    let record = root
    for (;;) {
      if (record === hole && standsForIpv4(words, depth)) {
        record = nodeCount
      } else if (record < nodeCount) {
        pendingRecord[pending] = read(record, 1)
        pendingDepth[pending++] = depth++
        record = read(record, 0)
        continue
      }
      if (record > nodeCount) {
        visit(words[0]!, words[1]!, words[2]!, words[3]!, depth, record - nodeCount - separatorBytes)
      }
      if (pending === 0) return
      depth = pendingDepth[--pending]!
      record = pendingRecord[pending]!
      turnRight(words, depth++)
    }
  }

  /** Visits every node once, children first, and refuses a tree that a walk could not take. */
  #survey(dataBytes: number, fail: (fault: string) => MeridianError): void {
    const nodeCount = this.#nodeCount
    const read = this.#read
    const last = nodeCount + separatorBytes + dataBytes
    /** Nodes that a walk from here visits; 0: not yet known. */
    const walked = new Uint32Array(nodeCount)
    /** Longest way down to a record that is no node; 255: being surveyed. */
    const height = new Uint8Array(nodeCount)
    const path = new Uint32Array(this.#bits)
    const side = new Uint8Array(this.#bits)
    let depth = 0
    height[0] = 255
    while (depth >= 0) {
      const node = path[depth]!
      if (side[depth] === 2) {
        this.#conclude(node, walked, height)
        depth--
        continue
      }
      const record = read(node, side[depth]!++)
      if (record >= nodeCount) {
        if (record > nodeCount && (record < nodeCount + separatorBytes || record >= last)) {
          throw fail(`node ${node} of its search tree leads to ${record}, outside tree and data`)
        }
      } else if (walked[record] === 0) {
        if (height[record] === 255) throw fail(`its search tree leads in a circle at node ${record}`)
        if (depth + 1 >= this.#bits) throw fail(`its search tree is deeper than ${this.#bits} bits at node ${record}`)
        path[++depth] = record
        side[depth] = 0
        height[record] = 255
      } else if (depth + 1 + height[record]! > this.#bits) {
        throw fail(`its search tree is deeper than ${this.#bits} bits at node ${record}`)
      }
    }
    if (walked[0]! > maxWalkedNodes) throw fail(`its search tree unfolds to more than ${maxWalkedNodes} nodes`)
  }

  #conclude(node: number, walked: Uint32Array, height: Uint8Array): void {
    let below = 1
    let highest = 0
    for (let side = 0; side < 2; side++) {
      const record = this.#read(node, side)
      if (record >= this.#nodeCount) continue
      below += walked[record]!
      highest = Math.max(highest, height[record]!)
    }
    walked[node] = Math.min(below, maxWalkedNodes + 1)
    height[node] = highest + 1
  }
}

/** Bit `depth` becomes 1 and every later one 0. */
function turnRight(words: Int32Array, depth: number): void {
  const word = depth >> 5
  const bit = 0x8000_0000 >>> (depth & 31)
  words[word] = (words[word]! & -(bit << 1)) | bit
  for (let later = word + 1; later < 4; later++) words[later] = 0
}

function standsForIpv4(words: Int32Array, depth: number): boolean {
  const is = ({ address, prefixLength }: Network) =>
    depth === prefixLength && words[0] === address.w0 && words[1] === address.w1 && words[2] === address.w2
  return is(ipv4Space) || ipv4Aliases.some(is)
}

function recordReader(bytes: Uint8Array, recordSize: MmdbMetadata['recordSize']): ReadRecord {
  switch (recordSize) {
    case 24:
      return (node, side) => {
        const at = node * 6 + side * 3
        return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
      }
    case 28:
      return (node, side) => {
        const at = node * 7
        // The middle byte holds the highest four bits of both records, the left one's first.
        const high = side === 0 ? bytes[at + 3]! >> 4 : bytes[at + 3]! & 15
        const low = at + side * 4
        return (high << 24) | (bytes[low]! << 16) | (bytes[low + 1]! << 8) | bytes[low + 2]!
      }
    case 32:
      return (node, side) => {
        const at = node * 8 + side * 4
        return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
      }
  }
}
