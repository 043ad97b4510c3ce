/**
 * Makes the embedded city database out of a full one: the same answers at the grain that routing needs, at a tenth of the
 * size.
 */

import { MeridianError } from '../src/errors.ts'
import type { MmdbReader } from '../src/geo/mmdb/reader.ts'
import { type MmdbHeading, MmdbWriter } from '../src/geo/mmdb/writer.ts'
import { type Place, placeOf } from '../src/geo/record.ts'
import { BlockCutter } from './block-cutter.ts'
import { recordOf, type Square, Squares } from './squares.ts'

/** A database to take networks from, and the family that it is asked for. */
export interface CitySource {
  readonly reader: MmdbReader
  readonly family: 4 | 6
}

/** A place that the full database knows, with how many addresses it has (IPv6: as a share of all, so that IPv4 counts). */
export interface CountedPlace {
  readonly place: Place
  readonly addresses: number
}

export interface CityDatabase {
  readonly bytes: Uint8Array
  /** Of the full database, for the points of countries. */
  readonly places: readonly CountedPlace[]
}

export function buildCityDatabase(sources: readonly CitySource[], heading: MmdbHeading): CityDatabase {
  const squares = new Squares()
  const places: CountedPlace[] = []
  // Names first: a square's record must be whole before it is written.
  const surveyed = sources.map(source => ({ ...source, squareByRecord: survey(source, squares, places) }))
  const records = new Map<Square, ReturnType<typeof recordOf>>()
  const writer = new MmdbWriter(heading)
  for (const { reader, family, squareByRecord } of surveyed) {
    const cutter = new BlockCutter<Square>(family, (network, square) => {
      let record = records.get(square)
      if (record === undefined) {
        record = recordOf(square)
        records.set(square, record)
      }
      writer.insert(network, record)
    })
    reader.walk(family, (w0, w1, _w2, _w3, prefixLength, recordOffset) => {
      const square = squareByRecord.get(recordOffset)
      if (square !== undefined) cutter.add(w0, w1, prefixLength, square)
    })
    cutter.finish()
  }
  return { bytes: writer.toBytes(), places }
}

/** Reads every record once, counts its addresses, and finds its square. */
function survey({ reader, family }: CitySource, squares: Squares, places: CountedPlace[]): Map<number, Square> {
  const addressesByRecord = new Map<number, number>()
  reader.walk(family, (_w0, _w1, _w2, _w3, prefixLength, recordOffset) => {
    const addresses = 2 ** ((family === 4 ? 32 : 0) - prefixLength)
    addressesByRecord.set(recordOffset, (addressesByRecord.get(recordOffset) ?? 0) + addresses)
  })
  const squareByRecord = new Map<number, Square>()
  for (const [recordOffset, addresses] of addressesByRecord) {
    const place = placeOf(reader.decode(recordOffset), {}, fault => new MeridianError('GEO_DATABASE_INVALID', fault))
    const square = place && squares.squareOf(place)
    if (place === undefined || square === undefined) continue
    squares.count(square, place, addresses)
    squareByRecord.set(recordOffset, square)
    places.push({ place, addresses })
  }
  return squareByRecord
}
