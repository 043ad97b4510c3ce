/**
 * Where a client is, and the interface of whatever can tell.
 *
 * What a database does not know is `undefined`, never 0,0: that is a real place in the Gulf of Guinea.
 */

import type { ClientAddress } from './address.ts'
import type { Coordinates } from './coordinates.ts'

export interface Location {
  readonly coordinates?: Coordinates
  /** ISO 3166-1 alpha-2. */
  readonly country?: string
  /** Two letters: AF AN AS EU NA OC SA. */
  readonly continent?: string
  /** ISO 3166-2 code or name of the first subdivision, as the database has it. */
  readonly subdivision?: string
  readonly city?: string
  readonly asn?: number
  readonly accuracyRadiusKm?: number
  /** Length of the widest prefix around the address for which this same answer holds (IPv4: 0–32, IPv6: 0–128). */
  readonly prefixLength: number
  /** Name, without its folder, of the database or overrides file that knew. */
  readonly source: string
  /** Set when the database knew only the country (or guessed): the coordinates are its population-weighted point. */
  readonly countryPoint?: true
}

/** A 1° square plus country: all that geography knows of a client. Cell 0 is "nothing known". */
export interface Cell {
  readonly number: number
  /** Centre of the square; whole degrees. Absent where only a country is known and even its point is not. */
  readonly coordinates?: Coordinates
  readonly country?: string
  readonly continent?: string
}

/** What an override says beyond a location: clients of this network belong to this region. */
export interface Pin {
  readonly region: string
  readonly whenDown: 'route' | 'refuse'
  /** The override's network, as written. */
  readonly network: string
}

/**
 * Answers "where is this address?". The numbers are for the hot path: an address has a location number, a location
 * number has a cell. All numbers are valid for the life of one locator; a reload makes a new one.
 */
export interface Locator {
  /** The whole answer, for people and APIs. Undefined where nothing is known. */
  locate(address: ClientAddress): Location | undefined
  /** Location number of an address; 0 where nothing is known. */
  locationNumber(address: ClientAddress): number
  /** Cell of a location number. */
  cellOf(locationNumber: number): number
  readonly cells: readonly Cell[]
  /** Index into `pins` of the override that pins this address to a region; -1 where none does. */
  pinIndex(address: ClientAddress): number
  readonly pins: readonly Pin[]
  /** Length of the widest prefix around the address for which location and pin are the same. */
  prefixLength(address: ClientAddress): number
  /** What is loaded, for `meridian geo info`. */
  readonly sources: readonly SourceInfo[]
}

export interface SourceInfo {
  readonly file: string
  readonly kind: 'database' | 'asn' | 'overrides'
  /** MaxMind's `database_type`, or `overrides`. */
  readonly type: string
  /** When the database was built. */
  readonly builtAt?: Date
  readonly ipv4Networks: number
  readonly ipv6Networks: number
  readonly records: number
}
