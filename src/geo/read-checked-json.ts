/** Reads a JSON file that comes with the program, and holds it to its schema. */

import { readFile } from 'node:fs/promises'
import { MeridianError, unreadable } from '../errors.ts'
import { type Checker, formatFault } from '../schema.ts'

/** @throws MeridianError FILE_UNREADABLE, or GEO_DATABASE_INVALID with every fault */
export async function readCheckedJson<T>(file: string, check: Checker<T>): Promise<T> {
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
