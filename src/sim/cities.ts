/** The world's big cities, which come with the program in `data/cities.json`: where simulated clients live. */

import Type, { type Static } from 'typebox'
import { continents } from '../geo/country-points.ts'
import { readCheckedJson } from '../geo/read-checked-json.ts'
import { checker } from '../schema.ts'

const BigCity = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    latitude: Type.Number({ minimum: -90, maximum: 90 }),
    longitude: Type.Number({ minimum: -180, maximum: 180 }),
    country: Type.String({ pattern: '^[A-Z]{2}$', expected: 'a country code of two capital letters' }),
    continent: Type.String({ enum: [...continents] }),
    /** Of the city and of the smaller places around it. */
    population: Type.Number({ exclusiveMinimum: 0 }),
  },
  { additionalProperties: false },
)

export type BigCity = Static<typeof BigCity>

const check = checker(Type.Array(BigCity, { minItems: 1 }))

/**
 * The largest city first.
 *
 * @param file path of `cities.json`
 * @throws MeridianError FILE_UNREADABLE or GEO_DATABASE_INVALID
 */
export function loadCities(file: string): Promise<BigCity[]> {
  return readCheckedJson(file, check)
}
