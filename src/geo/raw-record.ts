/**
 * The record of an address exactly as a database has it, for a person who wants to see all of it.
 *
 * The only user of the `maxmind` package, which opens broken files without complaint: so only a database that a locator
 * has loaded, and found whole, is read this way. Slow, since it reads the file; never part of a decision.
 */

import { open, type Response } from 'maxmind'
import { MeridianError } from '../errors.ts'
import { type ClientAddress, formatAddress, unfold } from './address.ts'
import type { SourceInfo } from './location.ts'

/**
 * @param source of a locator that is loaded; overrides have no records
 * @returns undefined where the database knows nothing of the address
 * @throws MeridianError GEO_DATABASE_INVALID when the file is no longer the one that was loaded
 */
export async function readRawRecord(source: SourceInfo, address: ClientAddress): Promise<Response | undefined> {
  if (source.kind === 'overrides') return undefined
  const reader = await open(source.file).catch(cause => {
    throw changed(source.file, cause)
  })
  if (reader.metadata.buildEpoch.getTime() !== source.builtAt?.getTime()) throw changed(source.file)
  const inner = unfold(address)
  if (inner.family === 6 && reader.metadata.ipVersion === 4) return undefined
  return reader.get(formatAddress(inner)) ?? undefined
}

function changed(file: string, cause?: unknown): MeridianError {
  return new MeridianError('GEO_DATABASE_INVALID', `${file}: has changed since it was loaded; load it again first`, {
    cause,
  })
}
