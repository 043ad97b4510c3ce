/** MaxMind DB files put together by hand, also such as no writer would make. */

import { DataEncoder, type MmdbValue } from '../../src/geo/mmdb/encode.ts'

export interface RawMmdb {
  /** Left and right record of each node; the tree has records of 24 bits. */
  readonly nodes: readonly (readonly [number, number])[]
  readonly data?: Uint8Array
  /** Put over the metadata that fits the rest; undefined takes a key away. */
  readonly metadata?: Readonly<Record<string, MmdbValue | undefined>>
  readonly separator?: Uint8Array
}

/** Record that leads to data, in a tree of so many nodes. */
export function toData(nodeCount: number, offset: number): number {
  return nodeCount + 16 + offset
}

export function rawMmdb({ nodes, data = encoded({}), metadata, separator = Buffer.alloc(16) }: RawMmdb): Buffer {
  const tree = Buffer.alloc(nodes.length * 6)
  nodes.forEach(([left, right], node) => {
    tree.writeUIntBE(left, node * 6, 3)
    tree.writeUIntBE(right, node * 6 + 3, 3)
  })
  const fields = encoded({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_780_000_000,
    database_type: 'Test',
    ip_version: 4,
    node_count: nodes.length,
    record_size: 24,
    ...metadata,
  })
  return Buffer.concat([tree, separator, data, Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'), fields])
}

export function encoded(value: MmdbValue): Uint8Array {
  const encoder = new DataEncoder()
  encoder.add(value)
  return encoder.bytes()
}
