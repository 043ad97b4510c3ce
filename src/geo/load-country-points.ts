/** Reads the table of country points, which comes with the program beside the embedded database. */

import { readFile } from 'node:fs/promises'
import Type from 'typebox'
import { MeridianError, unreadable } from '../errors.ts'
import { bundledData } from '../paths.ts'
import { checker, formatFault } from '../schema.ts'
import { type CountryPoints, continents } from './country-points.ts'

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
