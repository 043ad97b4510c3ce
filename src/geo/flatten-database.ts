/**
 * Turns a MaxMind database into flat tables: walks it whole and decodes every distinct record once, so that a fault shows
 * now and never when a client's address meets it. Heavy: meant for a worker.
 */

import { MeridianError } from '../errors.ts'
import { ClientAddress } from './address.ts'
import type { AddressMapColumns } from './address-map.ts'
import type { CountryPoints } from './country-points.ts'
import type { SourceInfo } from './location.ts'
import { openMmdb } from './mmdb/reader.ts'
import { formatNetwork } from './network.ts'
import { type PlaceColumns, PlaceTableBuilder } from './place-table.ts'
import { RangeTableBuilder } from './range-table-builder.ts'
import { asnOf, type Fail, placeOf } from './record.ts'

/** A database of places: addresses lead to places. */
export interface FlatPlaces {
  readonly info: SourceInfo
  readonly map: AddressMapColumns
  readonly places: PlaceColumns
}

/** A database of AS numbers: addresses lead to them directly. */
export interface FlatAsns {
  readonly info: SourceInfo
  readonly map: AddressMapColumns
}

/** The number that a decoded record is kept as; 0 where it says nothing. */
type Numbering = (record: unknown, fail: Fail) => number

/**
 * @param file name for messages and for `Location.source`
 * @throws MeridianError GEO_DATABASE_INVALID when anything in the file is broken, or it holds no places
 */
export function flattenPlaces(bytes: Uint8Array, file: string, countryPoints: CountryPoints): FlatPlaces {
  const places = new PlaceTableBuilder()
  const flat = flatten(bytes, file, 'database', (record, fail) => {
    const place = placeOf(record, countryPoints, fail)
    return place === undefined ? 0 : places.numberOf(place)
  })
  if (places.size === 0) throw holdsNothing(flat.info, 'places', 'a City or Country database')
  return { ...flat, places: places.finish() }
}

/** The same for AS numbers. */
export function flattenAsns(bytes: Uint8Array, file: string): FlatAsns {
  let found = false
  const flat = flatten(bytes, file, 'asn', (record, fail) => {
    const asn = asnOf(record, fail) ?? 0
    found ||= asn !== 0
    return asn
  })
  if (!found) throw holdsNothing(flat.info, 'AS numbers', 'an ASN database')
  return flat
}

function flatten(bytes: Uint8Array, file: string, kind: SourceInfo['kind'], numberOf: Numbering): FlatAsns {
  const reader = openMmdb(bytes, file)
  /** Numbers of the distinct records, in the order in which they are met. */
  const numbers: number[] = []
  /** By record offset: one more than the record's place in `numbers`, 0 for one not met yet. Faster than a Map. */
  const met = new Uint32Array(bytes.length)

  const flattenFamily = (family: 4 | 6) => {
    const builder = new RangeTableBuilder(family)
    let networks = 0
    reader.walk(family, (w0, w1, w2, w3, prefixLength, recordOffset) => {
      networks++
      if (met[recordOffset] === 0) {
        const number = numberOf(reader.decode(recordOffset), fault => {
          const network = { address: new ClientAddress(family, w0, w1, w2, w3), prefixLength }
          return new MeridianError('GEO_DATABASE_INVALID', `${file}: record of ${formatNetwork(network)}: ${fault}`)
        })
        met[recordOffset] = numbers.push(number)
      }
      const number = numbers[met[recordOffset]! - 1]!
      if (number !== 0) builder.addNetwork(w0, w1, w2, w3, prefixLength, number)
    })
    return { networks, columns: builder.finish() }
  }

  const ipv4 = flattenFamily(4)
  const ipv6 = flattenFamily(6)
  const info: SourceInfo = {
    file,
    kind,
    type: reader.metadata.databaseType,
    builtAt: reader.metadata.builtAt,
    ipv4Networks: ipv4.networks,
    ipv6Networks: ipv6.networks,
    records: numbers.length,
  }
  return { info, map: { ipv4: ipv4.columns, ipv6: ipv6.columns } }
}

function holdsNothing({ file, type }: SourceInfo, what: string, expected: string): MeridianError {
  return new MeridianError(
    'GEO_DATABASE_INVALID',
    `${file}: holds no ${what} (its type is ${type}); expected ${expected}`,
  )
}
