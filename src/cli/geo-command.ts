/** `meridian geo`: what the geo databases say, without a running router. */

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Command } from 'commander'
import { loadConfig } from '../config/config.ts'
import { formatAddress } from '../geo/address.ts'
import { embeddedDatabase, type LocatorFiles, loadLocator } from '../geo/load-locator.ts'
import type { Locator } from '../geo/location.ts'
import { clientNetwork, formatNetwork } from '../geo/network.ts'
import { readRawRecord } from '../geo/raw-record.ts'
import { type LookupAnswer, renderInfo, renderLookup, renderRaw, type SizedSource } from './geo-view.ts'
import { parseAddressArgument } from './parse-arguments.ts'
import type { Terminal } from './terminal.ts'

interface GeoOptions {
  readonly config?: string
  readonly database?: readonly string[]
  readonly json?: boolean
  readonly raw?: boolean
}

/** Exit code of a look-up that found nothing. */
const nothingKnown = 1

export function geoCommand(terminal: Terminal): Command {
  const lookup = new Command('lookup')
    .description('where an address is, and how far around it that answer holds')
    .argument('<ip>', 'address to look up')
    .option('--raw', 'the whole record, as each database has it')
    .action((ip: string, options: GeoOptions) => lookUp(ip, options, terminal))
  const info = new Command('info')
    .description('which databases are in use, how old and how large they are')
    .action((options: GeoOptions) => describe(options, terminal))
  const group = new Command('geo').helpCommand(false).description('look addresses up, without a running router')
  for (const command of [lookup, info]) {
    command
      .option('-c, --config <file>', 'databases and overrides of this configuration')
      .option('--database <file>', 'this database; may be repeated, the first that knows wins', collect)
      .option('--json', 'as JSON')
      .addHelpText('after', '\nWithout --config and --database the embedded database is asked.')
    group.addCommand(command)
  }
  return group
}

async function lookUp(ip: string, options: GeoOptions, { print, paint, environment, leave }: Terminal): Promise<void> {
  const address = parseAddressArgument(ip)
  const locator = await loadLocator(chooseFiles(options, environment))
  if (options.raw) {
    const records = await Promise.all(
      locator.sources
        .filter(({ kind }) => kind !== 'overrides')
        .map(async source => ({ file: source.file, record: (await readRawRecord(source, address)) ?? null })),
    )
    if (records.every(({ record }) => record === null)) leave(nothingKnown)
    return print(...(options.json ? [JSON.stringify(records)] : renderRaw(records, paint)))
  }
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

async function describe(options: GeoOptions, { print, paint, environment }: Terminal): Promise<void> {
  const locator: Locator = await loadLocator(chooseFiles(options, environment))
  const sources: SizedSource[] = await Promise.all(
    locator.sources.map(async source => ({ ...source, bytes: (await stat(source.file)).size })),
  )
  const cells = locator.cells.length - 1
  print(...(options.json ? [JSON.stringify({ sources, cells })] : renderInfo(sources, cells, paint)))
}

function chooseFiles({ config, database }: GeoOptions, environment: Terminal['environment']): LocatorFiles {
  const configured = config === undefined ? { databases: [embeddedDatabase] } : loadConfig(config, environment).geo
  return database === undefined ? configured : { ...configured, databases: database.map(file => resolve(file)) }
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
