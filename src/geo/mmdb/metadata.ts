/**
 * Finds and checks the metadata at the end of a MaxMind DB, which says how the rest of the file is to be read.
 */

import type { MeridianError } from '../../errors.ts'
import { shown } from '../../schema.ts'
import { DataSection } from './decode.ts'

export interface MmdbMetadata {
  /** What the records hold, by convention: `GeoLite2-City`, `DBIP-City-Lite`. */
  readonly databaseType: string
  /** 6: a tree of 128 bits, in which IPv4 networks stand below ::/96. */
  readonly ipVersion: 4 | 6
  /** Bits of each of the two records of a node. */
  readonly recordSize: 24 | 28 | 32
  readonly nodeCount: number
  readonly builtAt: Date
  /** Languages that names are given in. */
  readonly languages: readonly string[]
  /** In English where there is one. */
  readonly description: string | undefined
}

/** Where the metadata begins; the last occurrence in the file counts. */
export const metadataMarker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1')

const maxMetadataBytes = 128 * 1024

/** The metadata, and where the marker before it begins: the end of the data section. */
export function readMetadata(
  bytes: Uint8Array,
  fail: (fault: string) => MeridianError,
): { readonly metadata: MmdbMetadata; readonly start: number } {
  const tailStart = Math.max(0, bytes.length - maxMetadataBytes)
  const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .subarray(tailStart)
    .lastIndexOf(metadataMarker)
  if (found < 0) throw fail('there is no metadata in its last 128 KiB: not a MaxMind DB, or cut short')
  const start = tailStart + found
  const failInMetadata = (fault: string) => fail(`in the metadata, ${fault}`)
  const fields = new DataSection(bytes.subarray(start + metadataMarker.length), failInMetadata).decode(0)
  if (!isMap(fields)) throw fail('its metadata is not a map')
  return { metadata: checkMetadata(fields, fail), start }
}

function checkMetadata(fields: Record<string, unknown>, fail: (fault: string) => MeridianError): MmdbMetadata {
  const faults: string[] = []
  const expect = <T>(key: string, what: string, accepts: (value: unknown) => value is T): T => {
    const value = fields[key]
    if (!accepts(value)) faults.push(`metadata ${key}: expected ${what}, not ${wordValue(value)}`)
    return value as T
  }
  expect('binary_format_major_version', '2', value => value === 2)
  const nodeCount = expect('node_count', 'a whole number of at least 1', isPositive)
  const recordSize = expect('record_size', '24, 28 or 32', value => value === 24 || value === 28 || value === 32)
  const ipVersion = expect('ip_version', '4 or 6', value => value === 4 || value === 6)
  const databaseType = expect('database_type', 'text', isText)
  const buildEpoch = expect('build_epoch', 'seconds since 1970', isEpoch)
  const languages = expect('languages', 'a list of texts', isOptionalTexts) ?? []
  const descriptions = expect('description', 'a map', isOptionalMap) ?? {}
  if (faults.length > 0) throw fail(faults.join('; '))
  const description = [descriptions['en'], ...Object.values(descriptions)].find(isText)
  return {
    databaseType,
    ipVersion,
    recordSize,
    nodeCount,
    builtAt: new Date(buildEpoch * 1000),
    languages,
    description,
  }
}

function wordValue(value: unknown): string {
  return value === undefined ? 'nothing' : shown(typeof value === 'bigint' ? String(value) : value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isPositive(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
}

/** As far as a `Date` reaches. */
function isEpoch(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 8.64e12
}

function isOptionalTexts(value: unknown): value is string[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every(isText))
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function isOptionalMap(value: unknown): value is Record<string, unknown> | undefined {
  return value === undefined || isMap(value)
}
