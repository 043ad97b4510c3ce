/**
 * Writes MaxMind DB files: networks and their records in, one small file out.
 *
 * Sibling networks with equal records become one, equal subtrees of the search tree and equal data stand in the file
 * once, and records have the smallest size that fits. Makes the embedded database and every fixture of the tests.
 */

import { bitsOf, type ClientAddress } from '../address.ts'
import { formatNetwork, type Network } from '../network.ts'
import { DataEncoder, keyOf, MmdbNumber, type MmdbValue, unfit } from './encode.ts'
import { type CondensedTree, GrowingTree, type Slot } from './growing-tree.ts'
import { metadataMarker } from './metadata.ts'
import { ipv4Aliases, separatorBytes } from './search-tree.ts'

export interface MmdbHeading {
  readonly databaseType: string
  /** 6 takes both families; 4 makes a smaller file for IPv4 alone. */
  readonly ipVersion: 4 | 6
  readonly builtAt: Date
  readonly languages?: readonly string[]
  /** In English. */
  readonly description?: string
}

export class MmdbWriter {
  readonly #heading: MmdbHeading
  readonly #tree = new GrowingTree()
  readonly #records: MmdbValue[] = []
  readonly #numberByKey = new Map<string, number>()
  readonly #numberByObject = new Map<MmdbValue, number>()

  constructor(heading: MmdbHeading) {
    this.#heading = heading
  }

  /**
   * Puts a record on a network; of networks that overlap, the one inserted later wins.
   * The record is kept, not copied: do not change it afterwards.
   * @throws MeridianError GEO_DATABASE_INVALID for a network or value that the file cannot hold
   */
  insert(network: Network, record: MmdbValue): void {
    const { address, prefixLength } = network
    if (address.family > this.#heading.ipVersion) {
      throw unfit(formatNetwork(network), 'IPv4 in a database of ipVersion 4')
    }
    const bits = bitsOf(address.family)
    if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bits) {
      throw unfit(formatNetwork(network), `a prefix length from 0 to ${bits}`)
    }
    this.#put(address, prefixLength, -1 - this.#numberOf(record))
  }

  /** The whole file. To be called once, when everything has been inserted. */
  toBytes(): Uint8Array {
    if (this.#heading.ipVersion === 6) this.#linkAliases()
    const tree = this.#tree.condense()
    const data = new DataEncoder()
    // Records get their place in the order of their first network; those that were overwritten get none.
    const offsets = new Map<Slot, number>()
    for (const slot of tree.slots) {
      if (slot < 0 && !offsets.has(slot)) offsets.set(slot, data.add(this.#records[-1 - slot]!))
    }
    const dataBytes = data.bytes()
    const recordSize = smallestRecordSize(tree.nodeCount + separatorBytes + dataBytes.length)
    const resolve = (slot: Slot): number => {
      if (slot > 0) return slot - 1
      return slot === 0 ? tree.nodeCount : tree.nodeCount + separatorBytes + offsets.get(slot)!
    }
    return Buffer.concat([
      encodeTree(tree, recordSize, resolve),
      Buffer.alloc(separatorBytes),
      dataBytes,
      metadataMarker,
      encodeMetadata(this.#heading, tree.nodeCount, recordSize),
    ])
  }

  #put(address: ClientAddress, prefixLength: number, slot: Slot): void {
    const belowIpv4 = address.family === 4 && this.#heading.ipVersion === 6
    const words = belowIpv4 ? [0, 0, 0, address.w0] : [address.w0, address.w1, address.w2, address.w3]
    this.#tree.put(words, prefixLength + (belowIpv4 ? 96 : 0), slot)
  }

  #linkAliases(): void {
    const ipv4 = this.#tree.slotAt([0, 0, 0, 0], 96)
    if (ipv4 === 0) return
    for (const { address, prefixLength } of ipv4Aliases) this.#put(address, prefixLength, ipv4)
  }

  #numberOf(record: MmdbValue): number {
    // Callers insert the same object again and again: the way round the key is what makes that fast.
    const known = this.#numberByObject.get(record)
    if (known !== undefined) return known
    const key = keyOf(record, '')
    const number = this.#numberByKey.get(key) ?? this.#records.push(record) - 1
    this.#numberByKey.set(key, number)
    this.#numberByObject.set(record, number)
    return number
  }
}

function smallestRecordSize(records: number): 24 | 28 | 32 {
  if (records <= 2 ** 24) return 24
  if (records <= 2 ** 28) return 28
  if (records <= 2 ** 32) return 32
  throw unfit('so many networks and records', 'less than 4 GiB')
}

function encodeTree(tree: CondensedTree, recordSize: 24 | 28 | 32, resolve: (slot: Slot) => number): Buffer {
  const nodeBytes = recordSize / 4
  const bytes = Buffer.alloc(tree.nodeCount * nodeBytes)
  for (let node = 0; node < tree.nodeCount; node++) {
    const left = resolve(tree.slots[2 * node]!)
    const right = resolve(tree.slots[2 * node + 1]!)
    const at = node * nodeBytes
    if (recordSize === 28) {
      bytes.writeUIntBE(left & 0xff_ffff, at, 3)
      bytes[at + 3] = ((left >>> 24) << 4) | (right >>> 24)
      bytes.writeUIntBE(right & 0xff_ffff, at + 4, 3)
    } else {
      bytes.writeUIntBE(left, at, nodeBytes / 2)
      bytes.writeUIntBE(right, at + nodeBytes / 2, nodeBytes / 2)
    }
  }
  return bytes
}

function encodeMetadata(heading: MmdbHeading, nodeCount: number, recordSize: number): Uint8Array {
  const metadata = new DataEncoder()
  metadata.add({
    binary_format_major_version: new MmdbNumber('uint16', 2),
    binary_format_minor_version: new MmdbNumber('uint16', 0),
    build_epoch: new MmdbNumber('uint64', Math.floor(heading.builtAt.getTime() / 1000)),
    database_type: heading.databaseType,
    description: { en: heading.description },
    ip_version: new MmdbNumber('uint16', heading.ipVersion),
    languages: heading.languages ?? [],
    node_count: new MmdbNumber('uint32', nodeCount),
    record_size: new MmdbNumber('uint16', recordSize),
  })
  return metadata.bytes()
}
