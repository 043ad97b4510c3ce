/**
 * For each country, the middle of its people: the point to use for a client of whom only the country is known.
 *
 * The middle of a country's land may be a desert or a sea; the population-weighted point is near somebody.
 */

import { readFile } from 'node:fs/promises'
import Type from 'typebox'
import { MeridianError } from '../errors.ts'
import { bundledData } from '../paths.ts'
import { checker, formatFault } from '../schema.ts'
import type { Coordinates } from './coordinates.ts'

export interface CountryPoint extends Coordinates {
  /** Two letters, as in `Location`. */
  readonly continent: string
}

/** By ISO 3166-1 alpha-2 code. */
export type CountryPoints = Readonly<Record<string, CountryPoint>>

/** Codes of the continents, as GeoNames and MaxMind have them. */
export const continents = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] as const

const check = checker(
  Type.Record(
    Type.String(),
    Type.Object(
      {
        latitude: Type.Number({ minimum: -90, maximum: 90 }),
        longitude: Type.Number({ minimum: -180, maximum: 180 }),
        continent: Type.String({ enum: [...continents] }),
      },
      { additionalProperties: false },
    ),
    { propertyNames: { pattern: '^[A-Z]{2}$', expected: 'a country code of two capital letters' } },
  ),
)

/** @throws MeridianError FILE_UNREADABLE or GEO_DATABASE_INVALID */
export async function loadCountryPoints(file: string = bundledData('country-points.json')): Promise<CountryPoints> {
  const text = await readFile(file, 'utf8').catch(cause => {
    throw new MeridianError('FILE_UNREADABLE', `${file}: ${(cause as Error).message}`, { cause })
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
