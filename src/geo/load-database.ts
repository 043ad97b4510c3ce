/**
 * Loads databases off the main thread: each in a worker of its own, which leaves flat tables in shared memory.
 *
 * A file that is broken gives an error; nothing that runs is touched by it, since nothing is shared before it is whole.
 */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, MeridianError } from '../errors.ts'
import { AddressMap } from './address-map.ts'
import type { CountryPoints } from './country-points.ts'
import type { FlatAsns, FlatPlaces } from './flatten-database.ts'
import type { SourceInfo } from './location.ts'
import { PlaceTable } from './place-table.ts'

/** A database of places, ready to be asked. */
export interface PlaceDatabase {
  readonly info: SourceInfo
  /** Addresses to numbers in `places`. */
  readonly map: AddressMap
  readonly places: PlaceTable
}

/** A database of AS numbers, ready to be asked. */
export interface AsnDatabase {
  readonly info: SourceInfo
  /** Addresses to AS numbers. */
  readonly map: AddressMap
}

/** What the worker is told to do. */
export interface DatabaseOrder {
  readonly file: string
  readonly kind: 'database' | 'asn'
  readonly countryPoints: CountryPoints
}

/** What it answers. */
export type DatabaseReply =
  | { readonly ok: true; readonly database: FlatPlaces | FlatAsns }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string }

/** @throws MeridianError FILE_UNREADABLE or GEO_DATABASE_INVALID, naming file and fault */
export async function loadPlaces(file: string, countryPoints: CountryPoints): Promise<PlaceDatabase> {
  const { info, map, places } = (await flattenInWorker({ file, kind: 'database', countryPoints })) as FlatPlaces
  return { info, map: new AddressMap(map), places: new PlaceTable(places) }
}

/** @throws MeridianError FILE_UNREADABLE or GEO_DATABASE_INVALID, naming file and fault */
export async function loadAsns(file: string): Promise<AsnDatabase> {
  const { info, map } = await flattenInWorker({ file, kind: 'asn', countryPoints: {} })
  return { info, map: new AddressMap(map) }
}

/** Beside this file, in the same language: `.ts` where sources run directly, `.js` where they were built. */
const workerFile = new URL(`./database-worker${import.meta.url.slice(-3)}`, import.meta.url)

async function flattenInWorker(order: DatabaseOrder): Promise<FlatPlaces | FlatAsns> {
  // Without what the parent was started with: a hook that is imported into every thread only makes this one start late.
  const worker = new Worker(workerFile, { workerData: order, execArgv: [] })
  try {
    const [reply] = (await once(worker, 'message')) as [DatabaseReply]
    if (!reply.ok) throw new MeridianError(reply.code, reply.message)
    return reply.database
  } catch (cause) {
    if (cause instanceof MeridianError) throw cause
    // The worker itself died, out of memory for one.
    throw new MeridianError('GEO_DATABASE_INVALID', `${order.file}: ${(cause as Error).message}`, { cause })
  } finally {
    await worker.terminate()
  }
}
