/** Small geo databases for tests, written on the spot, and a few country points to go with them. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CountryPoints } from '../../src/geo/country-points.ts'
import type { MmdbValue } from '../../src/geo/mmdb/encode.ts'
import { MmdbWriter } from '../../src/geo/mmdb/writer.ts'
import { networkFrom } from './network-from.ts'

export const builtAt = new Date('2026-06-01T00:00:00Z')

export const countryPoints: CountryPoints = {
  GB: { latitude: 52.6, longitude: -1.4, continent: 'EU' },
  JP: { latitude: 35.6, longitude: 137.4, continent: 'AS' },
  PL: { latitude: 51.9, longitude: 19.4, continent: 'EU' },
  US: { latitude: 37.3, longitude: -91.6, continent: 'NA' },
}

/** Writes a database of these networks into the folder; returns its path. */
export function writeDatabase(
  directory: string,
  name: string,
  records: Readonly<Record<string, MmdbValue>>,
  ipVersion: 4 | 6 = 6,
): string {
  const writer = new MmdbWriter({ databaseType: name, ipVersion, builtAt })
  for (const [network, record] of Object.entries(records)) writer.insert(networkFrom(network), record)
  return writeTo(directory, `${name}.mmdb`, writer.toBytes())
}

export function writeCountryPoints(directory: string): string {
  return writeTo(directory, 'country-points.json', JSON.stringify(countryPoints))
}

export function writeTo(directory: string, name: string, content: string | Uint8Array): string {
  const path = join(directory, name)
  writeFileSync(path, content)
  return path
}

/** A nested record as MaxMind would have it. */
export function nested(country: string, latitude: number, longitude: number, city?: string): MmdbValue {
  return {
    country: { iso_code: country },
    location: { latitude, longitude },
    ...(city !== undefined && { city: { names: { en: city } } }),
  }
}

/** The same in the shape of the npm data packages, which leave nothing out. */
export function flat(country: string, latitude: number, longitude: number, city = ''): MmdbValue {
  return { city, country_code: country, latitude, longitude, postcode: '', state1: '', state2: '', timezone: '' }
}
