/**
 * Answers "where is this address?" from overrides and databases, in that order; the first that knows wins.
 *
 * A locator never changes: a reload builds another one and, only when that has succeeded, puts it in the place of the
 * first. So a broken file cannot harm what is in use. IPv4 inside IPv6 is unfolded here, for geolocation only.
 */

import { basename } from 'node:path'
import { ClientAddress, embeddedIpv4, embeddingOf, notEmbedded } from './address.ts'
import { type AddressMap, mapNetworks } from './address-map.ts'
import { CellRegister } from './cell.ts'
import type { CountryPoints } from './country-points.ts'
import type { AsnDatabase, PlaceDatabase } from './load-database.ts'
import type { Cell, Location, Locator, Pin, SourceInfo } from './location.ts'
import { OverrideTable } from './override-table.ts'
import type { Overrides } from './overrides.ts'
import type { RangeTable } from './range-table.ts'
import type { Place } from './record.ts'

export interface LocatorParts {
  /** In the order in which they are asked. */
  readonly databases: readonly PlaceDatabase[]
  readonly asn?: AsnDatabase | undefined
  readonly overrides?: Overrides | undefined
  /** For overrides that name nothing but a country. */
  readonly countryPoints: CountryPoints
}

export function createLocator(parts: LocatorParts): Locator {
  return new TableLocator(parts)
}

/** IPv6 networks with IPv4 inside: an answer for an address around them does not hold in them. */
const embeddings = mapNetworks([
  { network: { address: new ClientAddress(6, 0, 0, 0xffff), prefixLength: 96 }, value: 1 },
  { network: { address: new ClientAddress(6, 0x0064_ff9b), prefixLength: 96 }, value: 1 },
  { network: { address: new ClientAddress(6, 0x2001_0000), prefixLength: 32 }, value: 1 },
  { network: { address: new ClientAddress(6, 0x2002_0000), prefixLength: 16 }, value: 1 },
])

/** Places that have location numbers in a row, counted from `base` + 1. */
interface PlaceRow {
  readonly file: string
  readonly base: number
  placeAt(number: number): Place
}

class TableLocator implements Locator {
  readonly cells: readonly Cell[]
  readonly pins: readonly Pin[]
  readonly sources: readonly SourceInfo[]
  readonly #overrides: OverrideTable
  readonly #ipv4Tables: readonly RangeTable[]
  readonly #ipv6Tables: readonly RangeTable[]
  /** What makes a number in a table a location number; in the order of the tables. */
  readonly #bases: readonly number[]
  readonly #asn: AddressMap | undefined
  readonly #rows: readonly PlaceRow[]
  readonly #cellOfLocation: Uint32Array

  constructor({ databases, asn, overrides, countryPoints }: LocatorParts) {
    this.#overrides = new OverrideTable(overrides ?? { file: '', entries: [] }, countryPoints)
    this.pins = this.#overrides.pins
    this.sources = [
      ...(overrides === undefined ? [] : [this.#overrides.info]),
      ...databases.map(({ info }) => info),
      ...(asn === undefined ? [] : [asn.info]),
    ]
    this.#asn = asn?.map
    this.#ipv4Tables = databases.map(({ map }) => map.ipv4)
    this.#ipv6Tables = databases.map(({ map }) => map.ipv6)
    this.#rows = rowsOf(this.#overrides, databases)
    this.#bases = this.#rows.slice(1).map(({ base }) => base)

    const register = new CellRegister()
    const cellsOfOverrides = this.#overrides.places.map(place => register.numberOf(place))
    const cells = databases.map(({ places }) => places.cellsIn(register))
    this.#cellOfLocation = joined([Uint32Array.from([0, ...cellsOfOverrides]), ...cells.map(row => row.subarray(1))])
    this.cells = register.cells
  }

  locationNumber(address: ClientAddress): number {
    const overridden = this.#overrides.placeNumber(address)
    if (overridden !== 0) return overridden
    if (address.family === 4) return firstKnown(this.#ipv4Tables, this.#bases, address.w0, 0, 0, 0)
    if (embeddingOf(address) !== notEmbedded) {
      return firstKnown(this.#ipv4Tables, this.#bases, embeddedIpv4(address), 0, 0, 0)
    }
    return firstKnown(this.#ipv6Tables, this.#bases, address.w0, address.w1, address.w2, address.w3)
  }

  cellOf(locationNumber: number): number {
    return this.#cellOfLocation[locationNumber]!
  }

  pinIndex(address: ClientAddress): number {
    return this.#overrides.pinIndex(address)
  }

  prefixLength(address: ClientAddress): number {
    const { family, w0, w1, w2, w3 } = address
    const isOverridden = this.#overrides.placeNumber(address) !== 0
    if (family === 4) return this.#ipv4PrefixLength(w0, isOverridden)
    const override = this.#overrides.map.prefixLengthOf(address)
    const embedding = embeddingOf(address)
    if (embedding !== notEmbedded) {
      return Math.max(override, embedding + this.#ipv4PrefixLength(embeddedIpv4(address), isOverridden))
    }
    const asn = this.#asn === undefined ? 0 : this.#asn.prefixLengthOf(address)
    const place = isOverridden ? 0 : narrowest(this.#ipv6Tables, w0, w1, w2, w3)
    return Math.max(override, asn, place, embeddings.prefixLengthOf(address))
  }

  locate(address: ClientAddress): Location | undefined {
    const number = this.locationNumber(address)
    const asn = this.#asnOf(address)
    if (number === 0 && asn === 0) return undefined
    const row = this.#rows.findLast(({ base }) => base < number)
    return {
      ...row?.placeAt(number - row.base),
      ...(asn !== 0 && { asn }),
      prefixLength: this.prefixLength(address),
      // Where no place is known the AS number is, and its database is the last source.
      source: basename(row?.file ?? this.sources.at(-1)!.file),
    }
  }

  #ipv4PrefixLength(word: number, isOverridden: boolean): number {
    const override = this.#overrides.map.ipv4.prefixLengthOf(word, 0, 0, 0)
    const asn = this.#asn === undefined ? 0 : this.#asn.ipv4.prefixLengthOf(word, 0, 0, 0)
    const place = isOverridden ? 0 : narrowest(this.#ipv4Tables, word, 0, 0, 0)
    return Math.max(override, asn, place)
  }

  #asnOf(address: ClientAddress): number {
    if (this.#asn === undefined) return 0
    if (embeddingOf(address) === notEmbedded) return this.#asn.valueOf(address)
    return this.#asn.ipv4.valueOf(embeddedIpv4(address), 0, 0, 0)
  }
}

/** Overrides first, then each database. */
function rowsOf(overrides: OverrideTable, databases: readonly PlaceDatabase[]): PlaceRow[] {
  const rows: PlaceRow[] = [{ file: overrides.file, base: 0, placeAt: number => overrides.places[number - 1]! }]
  let base = overrides.places.length
  for (const { info, places } of databases) {
    rows.push({ file: info.file, base, placeAt: number => places.placeAt(number) })
    base += places.size
  }
  return rows
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Location number from the first table that knows the address; 0 when none does. */
function firstKnown(
  tables: readonly RangeTable[],
  bases: readonly number[],
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  for (let i = 0; i < tables.length; i++) {
    const number = tables[i]!.valueOf(w0, w1, w2, w3)
    if (number !== 0) return bases[i]! + number
  }
  return 0
}

/** Longest prefix over all tables up to the first that knows the address. */
function narrowest(tables: readonly RangeTable[], w0: number, w1: number, w2: number, w3: number): number {
  let length = 0
  for (let i = 0; i < tables.length; i++) {
    length = Math.max(length, tables[i]!.prefixLengthOf(w0, w1, w2, w3))
    if (tables[i]!.valueOf(w0, w1, w2, w3) !== 0) break
  }
  return length
}
