/** `meridian geo`: what the geo databases say, without a running router. */

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { loadConfig } from '../config/config.ts'
import { type ClientAddress, formatAddress } from '../geo/address.ts'
import { embeddedDatabase, type LocatorFiles, loadLocator } from '../geo/load-locator.ts'
import type { SourceInfo } from '../geo/location.ts'
import { clientNetwork, formatNetwork } from '../geo/network.ts'
import { readRawRecord } from '../geo/raw-record.ts'
import { withoutAwaited } from '../geo/update/editions.ts'
import { type LookupAnswer, renderInfo, renderLookup, renderRaw, type SizedSource } from './geo-view.ts'
import { parseAddressArgument } from './parse-arguments.ts'
import type { Terminal } from './terminal.ts'

export interface GeoOptions {
  readonly config?: string
  readonly database?: readonly string[]
  readonly json?: boolean
  readonly raw?: boolean
}

/** Exit code of a look-up that found nothing. */
const nothingKnown = 1

export async function lookUp(ip: string, options: GeoOptions, terminal: Terminal): Promise<void> {
  const { print, paint, environment, leave } = terminal
  const address = parseAddressArgument(ip)
  const locator = await loadLocator(chooseFiles(options, environment))
  if (options.raw) return printRecords(locator.sources, address, options, terminal)
  const location = locator.locate(address)
  const pin = locator.pins[locator.pinIndex(address)]
  const { number: _, ...cell } = locator.cells[locator.cellOf(locator.locationNumber(address))]!
  const answer: LookupAnswer = {
    address: formatAddress(address),
    network: formatNetwork(clientNetwork(address, locator.prefixLength(address))),
    location: location ?? null,
    cell,
    pin: pin ?? null,
  }
  if (location === undefined) leave(nothingKnown)
  print(...(options.json ? [JSON.stringify(answer)] : renderLookup(answer, paint)))
}

async function printRecords(
  sources: readonly SourceInfo[],
  address: ClientAddress,
  { json }: GeoOptions,
  { print, paint, leave }: Terminal,
): Promise<void> {
  const databases = sources.filter(({ kind }) => kind !== 'overrides')
  const records = await Promise.all(
    databases.map(async source => ({ file: source.file, record: (await readRawRecord(source, address)) ?? null })),
  )
  if (records.every(({ record }) => record === null)) leave(nothingKnown)
  print(...(json ? [JSON.stringify(records)] : renderRaw(records, paint)))
}

export async function describeSources(options: GeoOptions, { print, paint, environment }: Terminal): Promise<void> {
  const locator = await loadLocator(chooseFiles(options, environment))
  const sources: SizedSource[] = await Promise.all(
    locator.sources.map(async source => ({ ...source, bytes: (await stat(source.file)).size })),
  )
  const cells = locator.cells.length - 1
  print(...(options.json ? [JSON.stringify({ sources, cells })] : renderInfo(sources, cells, paint)))
}

function chooseFiles({ config, database }: GeoOptions, environment: Terminal['environment']): LocatorFiles {
  const configured = config === undefined ? { databases: [embeddedDatabase] } : configuredFiles(config, environment)
  return database === undefined ? configured : { ...configured, databases: database.map(file => resolve(file)) }
}

/** What a router would start with. */
function configuredFiles(config: string, environment: Terminal['environment']): LocatorFiles {
  const { geo } = loadConfig(config, environment, 'read')
  return withoutAwaited(geo, geo.update?.editions ?? [])
}
