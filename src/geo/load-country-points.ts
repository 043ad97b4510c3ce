/** Reads the table of country points, which comes with the program beside the embedded database. */

import Type from 'typebox'
import { bundledData } from '../paths.ts'
import { checker } from '../schema.ts'
import { type CountryPoints, continents } from './country-points.ts'
import { readCheckedJson } from './read-checked-json.ts'

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
export function loadCountryPoints(file: string = bundledData('country-points.json')): Promise<CountryPoints> {
  return readCheckedJson(file, check)
}
