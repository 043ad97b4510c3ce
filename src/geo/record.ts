/**
 * What a database record says, in one shape: MaxMind's nested records (`country.iso_code`, `location.latitude`) and the
 * flat ones of the npm data packages (`country_code`, `latitude`).
 *
 * What a record does not know is absent here; what it gets wrong (a latitude of 999, or as text) is a fault of its
 * database.
 */

import type { MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'
import type { Coordinates } from './coordinates.ts'
import { type CountryPoints, continents } from './country-points.ts'
import type { Location } from './location.ts'

/** A location without what depends on the address asked for. */
export type Place = Omit<Location, 'asn' | 'prefixLength' | 'source'>

/** Words a fault of the record for the database that it stands in. */
export type Fail = (fault: string) => MeridianError

/** From this radius on, coordinates are a guess within the country. */
const guessRadiusKm = 500

/**
 * The place that a City or Country record speaks of; undefined where it knows nothing.
 *
 * The country is where the network is used (`country`). The one where it is registered counts only in a record that says
 * nothing else. A record with neither city nor subdivision, or with an accuracy radius of 500 km or more, has the middle
 * of its country for coordinates: it gets the population-weighted point instead, and loses the radius, which was around
 * another point. Where that point is unknown (no country, or one without people) the record's own coordinates stay.
 */
export function placeOf(record: unknown, countryPoints: CountryPoints, fail: Fail): Place | undefined {
  const fields = new RecordFields(record, fail)
  const found = {
    coordinates: coordinatesOf(fields, fail),
    country: fields.country('country.iso_code') ?? fields.country('country_code'),
    continent: fields.continent('continent.code'),
    subdivision:
      fields.text('subdivisions.0.iso_code') ?? fields.text('subdivisions.0.names.en') ?? fields.text('state1'),
    city: fields.name('city'),
  }
  const saysNothing = Object.values(found).every(value => value === undefined)
  const country = saysNothing ? fields.country('registered_country.iso_code') : found.country
  if (saysNothing && country === undefined) return undefined

  const radius = fields.number('location.accuracy_radius', 0, 65_535)
  const point = country === undefined ? undefined : countryPoints[country]
  const isGuess = (found.city === undefined && found.subdivision === undefined) || (radius ?? 0) >= guessRadiusKm
  const isReplaced = isGuess && point !== undefined
  return defined({
    ...found,
    country,
    continent: found.continent ?? point?.continent,
    coordinates: isReplaced ? { latitude: point.latitude, longitude: point.longitude } : found.coordinates,
    accuracyRadiusKm: isReplaced ? undefined : radius,
    countryPoint: isReplaced ? (true as const) : undefined,
  })
}

/** The AS number that a record speaks of; undefined where it has none. */
export function asnOf(record: unknown, fail: Fail): number | undefined {
  const fields = new RecordFields(record, fail)
  const number = fields.number('autonomous_system_number', 0, 0xffff_ffff) ?? fields.number('asn', 0, 0xffff_ffff)
  return number === 0 ? undefined : number
}

function coordinatesOf(fields: RecordFields, fail: Fail): Coordinates | undefined {
  const latitude = fields.number('location.latitude', -90, 90) ?? fields.number('latitude', -90, 90)
  const longitude = fields.number('location.longitude', -180, 180) ?? fields.number('longitude', -180, 180)
  if ((latitude === undefined) !== (longitude === undefined)) {
    throw fail(`has a ${latitude === undefined ? 'longitude without a latitude' : 'latitude without a longitude'}`)
  }
  // 0,0 is open sea: nobody is there, it is what "unknown" becomes in careless hands.
  if (latitude === undefined || longitude === undefined || (latitude === 0 && longitude === 0)) return undefined
  return { latitude, longitude }
}

/** A copy without the keys that have no value. */
function defined<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

/** Reads fields by path; absent, null and empty are undefined, anything of the wrong type or range is a fault. */
class RecordFields {
  readonly #record: unknown
  readonly #fail: Fail

  constructor(record: unknown, fail: Fail) {
    if (!isMap(record)) throw fail(`expected a map for a record, not ${shown(record)}`)
    this.#record = record
    this.#fail = fail
  }

  number(path: string, least: number, most: number): number | undefined {
    const value = this.#at(path)
    if (value === undefined) return undefined
    if (typeof value === 'number' && value >= least && value <= most) return value
    throw this.#fail(`${path}: expected a number from ${least} to ${most}, not ${shown(value)}`)
  }

  text(path: string): string | undefined {
    const value = this.#at(path)
    if (value === undefined || value === '') return undefined
    if (typeof value === 'string') return value
    throw this.#fail(`${path}: expected text, not ${shown(value)}`)
  }

  country(path: string): string | undefined {
    const code = this.text(path)
    if (code === undefined || /^[A-Z]{2}$/.test(code)) return code === 'ZZ' ? undefined : code
    throw this.#fail(`${path}: expected a country code of two capital letters, not ${shown(code)}`)
  }

  continent(path: string): string | undefined {
    const code = this.text(path)
    if (code === undefined || (continents as readonly string[]).includes(code)) return code
    throw this.#fail(`${path}: expected one of ${continents.join(', ')}, not ${shown(code)}`)
  }

  /** A name that is text itself, or has texts by language of which the English one is taken, else the first. */
  name(path: string): string | undefined {
    const value = this.#at(path)
    if (!isMap(value)) return this.text(path)
    const names = this.#at(`${path}.names`)
    if (!isMap(names)) return undefined
    return this.text(`${path}.names.en`) ?? this.text(`${path}.names.${Object.keys(names)[0]}`)
  }

  #at(path: string): unknown {
    let value = this.#record
    let passed = ''
    for (const key of path.split('.')) {
      if (value === undefined || value === null) return undefined
      if (typeof value !== 'object') throw this.#fail(`${passed}: expected a map or a list, not ${shown(value)}`)
      value = (value as Record<string, unknown>)[key]
      passed = passed === '' ? key : `${passed}.${key}`
    }
    return value ?? undefined
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
