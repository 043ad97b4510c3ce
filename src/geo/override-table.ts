/** Overrides as the locator asks them: an address has at most one, which has a place, a pin, or both. */

import { type ClientAddress, embeddedIpv4, embeddingOf, isMapped, notEmbedded } from './address.ts'
import { type AddressMap, mapNetworks } from './address-map.ts'
import type { CountryPoints } from './country-points.ts'
import type { Pin, SourceInfo } from './location.ts'
import type { Override, Overrides } from './overrides.ts'
import type { Place } from './record.ts'

export class OverrideTable {
  readonly file: string
  readonly places: readonly Place[]
  readonly pins: readonly Pin[]
  readonly info: SourceInfo
  /** Addresses to overrides, numbered from 1 as they stand in the file; the longest prefix wins. */
  readonly map: AddressMap
  /** By number of an override: that of its place, counted from 1; 0 where it leaves the place to the databases. */
  readonly #places: Uint32Array
  /** By number of an override: the index of its pin, -1 for none. */
  readonly #pins: Int32Array

  /** @param countryPoints where clients are of whom an override says nothing but the country */
  constructor({ file, entries }: Overrides, countryPoints: CountryPoints) {
    const places: Place[] = []
    const pins: Pin[] = []
    this.#places = new Uint32Array(entries.length + 1)
    this.#pins = new Int32Array(entries.length + 1).fill(-1)
    for (const [index, entry] of entries.entries()) {
      const place = placeOfOverride(entry, countryPoints)
      if (place !== undefined) this.#places[index + 1] = places.push(place)
      const { region, whenDown, text: network } = entry
      if (region !== undefined) this.#pins[index + 1] = pins.push({ region, whenDown, network }) - 1
    }
    this.file = file
    this.places = places
    this.pins = pins
    this.map = mapNetworks(entries.map(({ network }, index) => ({ network, value: index + 1 })))
    this.info = describe(file, entries)
  }

  /** Number of the place of an address, from 1; 0 where the databases are to be asked. */
  placeNumber(address: ClientAddress): number {
    return this.#places[this.#overrideOf(address)]!
  }

  /** Index of the pin of an address, -1 where there is none. */
  pinIndex(address: ClientAddress): number {
    return this.#pins[this.#overrideOf(address)]!
  }

  /**
   * An override for the address as it is goes before one for the IPv4 address inside it. A mapped address is nothing but
   * its IPv4 address: `::/0` does not speak of it.
   */
  #overrideOf(address: ClientAddress): number {
    const isEmbedded = embeddingOf(address) !== notEmbedded
    const override = isEmbedded && isMapped(address) ? 0 : this.map.valueOf(address)
    return override === 0 && isEmbedded ? this.map.ipv4.valueOf(embeddedIpv4(address), 0, 0, 0) : override
  }
}

function placeOfOverride({ coordinates, country }: Override, countryPoints: CountryPoints): Place | undefined {
  const point = country === undefined ? undefined : countryPoints[country]
  const known = { ...(country !== undefined && { country }), ...(point && { continent: point.continent }) }
  if (coordinates !== undefined) return { ...known, coordinates }
  if (point === undefined) return country === undefined ? undefined : known
  const { latitude, longitude } = point
  return { ...known, coordinates: { latitude, longitude }, countryPoint: true }
}

function describe(file: string, entries: readonly Override[]): SourceInfo {
  const ipv4Networks = entries.filter(({ network }) => network.address.family === 4).length
  const ipv6Networks = entries.length - ipv4Networks
  return { file, kind: 'overrides', type: 'overrides', ipv4Networks, ipv6Networks, records: entries.length }
}
