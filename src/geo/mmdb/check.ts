/** Reads a database whole before it is put to use: what is broken is found now, not when a client's address meets it. */

import type { MmdbReader } from './reader.ts'

export interface MmdbSummary {
  readonly ipv4Networks: number
  readonly ipv6Networks: number
  /** Distinct ones. */
  readonly records: number
}

/**
 * Walks both families and decodes each distinct record once.
 * @throws MeridianError GEO_DATABASE_INVALID that names file and fault
 */
export function checkMmdb(reader: MmdbReader): MmdbSummary {
  const records = new Set<number>()
  let networks = 0
  const count = (_w0: number, _w1: number, _w2: number, _w3: number, _length: number, recordOffset: number) => {
    networks++
    if (records.has(recordOffset)) return
    records.add(recordOffset)
    reader.decode(recordOffset)
  }
  reader.walk(4, count)
  const ipv4Networks = networks
  reader.walk(6, count)
  return { ipv4Networks, ipv6Networks: networks - ipv4Networks, records: records.size }
}
