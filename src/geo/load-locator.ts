/** Builds a locator from files, all at once, and reports the faults of all of them together. */

import { combineErrors, type MeridianError } from '../errors.ts'
import { bundledData } from '../paths.ts'
import type { CountryPoints } from './country-points.ts'
import { loadCountryPoints } from './load-country-points.ts'
import { type AsnDatabase, loadAsns, loadPlaces, type PlaceDatabase } from './load-database.ts'
import type { Locator } from './location.ts'
import { createLocator } from './locator.ts'
import { loadOverrides } from './overrides.ts'

export interface LocatorFiles {
  /** City or Country databases, in the order in which they are asked. */
  readonly databases: readonly string[]
  readonly asn?: string | undefined
  readonly overrides?: string | undefined
  /** Absent: the table that comes with the program. */
  readonly countryPoints?: string | undefined
}

/** How one database is read. */
export interface DatabaseLoaders {
  places(file: string, countryPoints: CountryPoints): Promise<PlaceDatabase>
  asns(file: string): Promise<AsnDatabase>
}

/** Absolute path of the City database that comes with the program. */
export const embeddedDatabase = bundledData('city.mmdb')

/**
 * Resolves once every file was read and found whole.
 *
 * @throws MeridianError FILE_UNREADABLE, GEO_DATABASE_INVALID or OVERRIDES_INVALID; where several files are broken in
 * several ways, CONFIG_INVALID with the faults of all
 */
export async function loadLocator(
  files: LocatorFiles,
  load: DatabaseLoaders = { places: loadPlaces, asns: loadAsns },
): Promise<Locator> {
  const countryPoints = await loadCountryPoints(files.countryPoints)
  const databases = files.databases.map(file => load.places(file, countryPoints))
  const asn = files.asn === undefined ? undefined : load.asns(files.asn)
  const overrides = files.overrides === undefined ? undefined : loadOverrides(files.overrides)
  await rejectTogether([...databases, asn, overrides])
  return createLocator({
    databases: await Promise.all(databases),
    asn: await asn,
    overrides: await overrides,
    countryPoints,
  })
}

/** Waits for all of them, and makes one error of all that failed. */
async function rejectTogether(loads: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const outcomes = await Promise.allSettled(loads)
  const errors = outcomes.filter(outcome => outcome.status === 'rejected').map(({ reason }) => reason as MeridianError)
  if (errors.length > 0) throw combineErrors(errors)
}
