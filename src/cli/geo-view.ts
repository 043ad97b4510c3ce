/** Draws what the geo databases say. */

import { relative } from 'node:path'
import { inspect } from 'node:util'
import type { Cell as GeoCell, Location, Pin, SourceInfo } from '../geo/location.ts'
import { type Cell, leftAligned, renderFacts, renderTable } from './table.ts'
import type { Paint } from './terminal.ts'

export interface LookupAnswer {
  readonly address: string
  /** The client network, for all of which the answer holds. */
  readonly network: string
  readonly location: Location | null
  readonly cell: Omit<GeoCell, 'number'>
  readonly pin: Pin | null
}

export interface SizedSource extends SourceInfo {
  readonly bytes: number
}

const width = 120

export function renderLookup({ address, network, location, cell, pin }: LookupAnswer, paint: Paint): string[] {
  const facts: (readonly [string, Cell | string | undefined])[] = [
    ['address', address],
    ['place', location === null ? { text: 'nothing is known of this address', style: 'yellow' } : placeOf(location)],
    ['coordinates', location?.coordinates && coordinatesOf(location)],
    ['AS number', location?.asn === undefined ? undefined : String(location.asn)],
    ['network', `${network}, all of which gets this answer`],
    ['cell', location === null ? undefined : cellName(cell)],
    ['source', location === null ? undefined : shortPath(location.source)],
    [
      'pinned',
      pin === null ? undefined : `to ${pin.region}, by the override ${pin.network} (when down: ${pin.whenDown})`,
    ],
  ]
  return renderFacts(
    facts.filter((fact): fact is readonly [string, Cell | string] => fact[1] !== undefined),
    paint,
  )
}

function placeOf({ city, subdivision, country, continent }: Location): string {
  return [city, subdivision, country, continent].filter(name => name !== undefined).join(', ') || 'without a name'
}

function coordinatesOf({ coordinates, accuracyRadiusKm, countryPoint }: Location): string {
  const radius = accuracyRadiusKm === undefined ? '' : ` ± ${accuracyRadiusKm} km`
  const kind = countryPoint ? ', where the people of its country live in the middle' : ''
  return `${coordinates!.latitude}, ${coordinates!.longitude}${radius}${kind}`
}

function cellName({ coordinates, country }: LookupAnswer['cell']): string {
  const square = coordinates === undefined ? 'unknown' : `${coordinates.latitude},${coordinates.longitude}`
  return country === undefined ? square : `${square}/${country}`
}

export function renderRaw(
  records: readonly { readonly file: string; readonly record: unknown }[],
  paint: Paint,
): string[] {
  return records.flatMap(({ file, record }) => [
    paint('dim', shortPath(file)),
    ...(record === null
      ? ['knows nothing of this address']
      : inspect(record, { depth: 20, maxArrayLength: null }).split('\n')),
  ])
}

export function renderInfo(sources: readonly SizedSource[], cells: number, paint: Paint): string[] {
  const right = (header: string) => ({ header, align: 'right' as const })
  const columns = [
    ...leftAligned('kind', 'type', 'built'),
    ...['IPv4 networks', 'IPv6 networks', 'records', 'size'].map(right),
    ...leftAligned('file'),
  ]
  const rows = sources.map(({ kind, type, builtAt, ipv4Networks, ipv6Networks, records, bytes, file }) => [
    ...[kind, type, builtAt?.toISOString().slice(0, 10) ?? ''],
    ...[ipv4Networks, ipv6Networks, records].map(count => count.toLocaleString('en')),
    `${(bytes / 1e6).toFixed(1)} MB`,
    shortPath(file),
  ])
  // The licence of DB-IP City Lite asks for this line wherever its data is shown.
  const attribution = sources.some(({ type }) => /^db-?ip/i.test(type))
    ? ['IP Geolocation by DB-IP, https://db-ip.com (CC BY 4.0)']
    : []
  return [
    ...renderTable(columns, rows, width, paint),
    '',
    `${cells.toLocaleString('en')} cells: squares of 1° by country, which is all that routing tells apart`,
    ...attribution,
  ]
}

/** As seen from the working directory, where that is shorter. */
export function shortPath(file: string): string {
  const nearby = relative('', file)
  return nearby.startsWith('..') || nearby === '' ? file : nearby
}
