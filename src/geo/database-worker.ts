/** The worker's side of load-database.ts: flattens one file and sends the tables, or the fault, back. */

import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { MeridianError, unreadable } from '../errors.ts'
import { type FlatAsns, type FlatPlaces, flattenAsns, flattenPlaces } from './flatten-database.ts'
import type { DatabaseOrder, DatabaseReply } from './load-database.ts'

parentPort?.postMessage(reply(workerData as DatabaseOrder))

function reply(order: DatabaseOrder): DatabaseReply {
  try {
    return { ok: true, database: flattenFile(order) }
  } catch (cause) {
    // Only code and message of an error of our own would survive the way to another thread.
    if (cause instanceof MeridianError) return { ok: false, code: cause.code, message: cause.message }
    return { ok: false, code: 'GEO_DATABASE_INVALID', message: `${order.file}: ${(cause as Error).message}` }
  }
}

function flattenFile({ file, kind, countryPoints }: DatabaseOrder): FlatPlaces | FlatAsns {
  const bytes = readBytes(file)
  return kind === 'asn' ? flattenAsns(bytes, file) : flattenPlaces(bytes, file, countryPoints)
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}
