/** The world's big cities, which come with the program in `data/cities.json`: where simulated clients live. */

import { readFile } from 'node:fs/promises'
import Type, { type Static } from 'typebox'
import { MeridianError, unreadable } from '../errors.ts'
import { continents } from '../geo/country-points.ts'
import { checker, formatFault } from '../schema.ts'

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
export async function loadCities(file: string): Promise<BigCity[]> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw unreadable(file, cause)
  })
  const checked = check(parseJson(text, file))
  if (checked.ok) return checked.value
  const faults = checked.faults.map(formatFault)
  throw new MeridianError('GEO_DATABASE_INVALID', `${file}: ${faults.join('; ')}`, { faults })
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MeridianError('GEO_DATABASE_INVALID', `${file}: not JSON: ${(cause as Error).message}`, { cause })
  }
}
