/**
 * A strict reader of MaxMind DB files, format 2.0 (maxmind.github.io/MaxMind-DB).
 *
 * Made for reading a database once and whole: what is put to use is flattened from here. Broken and hostile files are
 * refused with one sentence that names file and fault, in time and memory linear in the size of the file. Knows nothing
 * of what records mean.
 */

import { MeridianError } from '../../errors.ts'
import { DataSection } from './decode.ts'
import { type MmdbMetadata, readMetadata } from './metadata.ts'
import { type MmdbVisitor, SearchTree, separatorBytes } from './search-tree.ts'

export interface MmdbReader {
  readonly metadata: MmdbMetadata
  /**
   * Visits every network with data, in address order; the same record offset means the same data.
   *
   * In a tree of ip_version 6, IPv4 lives below ::/96. The walk over IPv6 leaves ::/96 out and every alias of it (6to4
   * 2002::/16, mapped ::ffff:0:0/96, Teredo 2001::/32): such addresses are unfolded to IPv4 before a look-up. Data of
   * a network that reaches beyond ::/96 is visited in both walks.
   */
  walk(family: 4 | 6, visit: MmdbVisitor): void
  /**
   * The record at an offset that a walk gave. Parts may be shared between records: treat them as read-only.
   * @throws MeridianError GEO_DATABASE_INVALID when the data is broken
   */
  decode(recordOffset: number): unknown
}

/**
 * Reads the metadata and surveys the whole search tree; data is decoded on demand (`checkMmdb` does all of it).
 * @param file name for messages
 * @throws MeridianError GEO_DATABASE_INVALID that names file and fault
 */
export function openMmdb(bytes: Uint8Array, file: string): MmdbReader {
  const fail = (fault: string) =>
    new MeridianError('GEO_DATABASE_INVALID', `${file}: ${fault}; fetch or build this database again`)
  const { metadata, start: dataEnd } = readMetadata(bytes, fail)
  const treeBytes = (metadata.nodeCount * metadata.recordSize) / 4
  const dataStart = treeBytes + separatorBytes
  if (dataStart > dataEnd) {
    throw fail(
      `its search tree of ${metadata.nodeCount} nodes does not fit into the ${dataEnd} bytes before the metadata`,
    )
  }
  if (bytes.subarray(treeBytes, dataStart).some(byte => byte !== 0)) {
    throw fail(`its search tree does not end where the metadata says, at byte ${treeBytes}`)
  }
  const tree = new SearchTree(bytes.subarray(0, treeBytes), metadata, dataEnd - dataStart, fail)
  const data = new DataSection(bytes.subarray(dataStart, dataEnd), fail)
  return {
    metadata,
    walk: (family, visit) => tree.walk(family, visit),
    decode: recordOffset => data.decode(recordOffset),
  }
}
