/**
 * The squares of the embedded database: 1° of latitude and longitude, within one country. A square carries the name of the
 * place in it that most addresses belong to.
 */

import type { MmdbValue } from '../src/geo/mmdb/encode.ts'
import type { Place } from '../src/geo/record.ts'
import { heaviest } from './block-cutter.ts'
import { continentOf } from './continents.ts'

export interface Square {
  readonly country: string
  readonly latitude: number
  readonly longitude: number
  /** Addresses by name of city and subdivision, as JSON; a square of unnamed places has none. */
  readonly names: Map<string, number>
}

export class Squares {
  readonly #byKey = new Map<string, Square>()

  /** The square that a place lies in; undefined where the database knows no country or no coordinates. */
  squareOf({ country, coordinates, city, subdivision }: Place): Square | undefined {
    if (country === undefined || coordinates === undefined) return undefined
    const latitude = wholeDegree(coordinates.latitude)
    const longitude = wholeDegree(coordinates.longitude)
    // Unnamed places are in the middle of their country, if anywhere: they must not get the name of a city there.
    const isNamed = city !== undefined || subdivision !== undefined
    const key = `${country} ${latitude} ${longitude} ${isNamed}`
    let square = this.#byKey.get(key)
    if (square === undefined) {
      square = { country, latitude, longitude, names: new Map() }
      this.#byKey.set(key, square)
    }
    return square
  }

  /** Counts addresses towards the name of the square. */
  count(square: Square, { city, subdivision }: Place, addresses: number): void {
    if (city === undefined && subdivision === undefined) return
    // "Raleigh (Northwest Raleigh)" is a part of Raleigh.
    const name = JSON.stringify([city?.replace(/ \(.*\)$/, ''), subdivision])
    square.names.set(name, (square.names.get(name) ?? 0) + addresses)
  }
}

/** The record of a square in MaxMind's City schema, once all addresses are counted. */
export function recordOf({ country, latitude, longitude, names }: Square): MmdbValue {
  const [city, subdivision] = JSON.parse(heaviest(names) ?? '[]') as (string | null)[]
  const continent = continentOf.get(country)
  if (continent === undefined) throw new Error(`data/continents.ts has no continent for ${country}: add it`)
  return {
    city: city ? { names: { en: city } } : undefined,
    continent: { code: continent },
    country: { iso_code: country },
    location: { latitude, longitude },
    subdivisions: subdivision ? [{ names: { en: subdivision } }] : undefined,
  }
}

/** The meridian opposite Greenwich is always 180, and zero has no sign. */
function wholeDegree(degrees: number): number {
  const whole = Math.round(degrees)
  return whole === -180 ? 180 : whole + 0
}
