/** Draws regions as the control API shows them. */

import type { Staleness } from '../control/fleet-reading.ts'
import type { RegionView } from '../control/schemas.ts'
import { type Cell, leftAligned, renderFacts, renderTable } from './table.ts'
import type { Paint, Style } from './terminal.ts'

const width = 120

const stateStyles: Readonly<Record<RegionView['state'], Style>> = {
  up: 'green',
  impaired: 'yellow',
  draining: 'yellow',
  down: 'red',
}

export function renderRegionList(regions: readonly RegionView[], paint: Paint): string[] {
  if (regions.length === 0) return ['No region is known: none is declared in a file, and none has registered.']
  const columns = [
    ...leftAligned('region', 'tier', 'name', 'state'),
    { header: 'in flight', align: 'right' as const },
    { header: 'holds', align: 'right' as const },
    ...leftAligned('why'),
  ]
  const rows = regions.map(region => [
    ...[region.id, region.tier, region.name, stateCell(region)],
    ...[number(region.load?.inflight), number(region.load?.capacityRequests ?? region.capacityRequests)],
    `${region.reason}: ${region.detail}`,
  ])
  return renderTable(columns, rows, width, paint)
}

export function renderRegion(region: RegionView, paint: Paint): string[] {
  const { endpoints, coordinates, load, lease, drain } = region
  const labels = Object.entries(region.labels).map(([key, value]) => `${key}=${value}`)
  const facts: (readonly [string, Cell | string | undefined])[] = [
    ['region', `${region.id} (${region.name}), ${region.tier}`],
    ['state', stateCell(region)],
    ['why', `${region.reason}: ${region.detail}`],
    ['drained', drain && `${ago(drain.ageMs)} by ${drain.by}${drain.reason === '' ? '' : `: ${drain.reason}`}`],
    ['empty', drain && describeEstimate(drain.estimate)],
    ['place', `${coordinates.latitude}, ${coordinates.longitude}`],
    ['jurisdiction', region.jurisdiction],
    ['public URL', endpoints.publicUrl],
    ['origin URL', endpoints.originUrl],
    ['addresses', [...(endpoints.ipv4 ?? []), ...(endpoints.ipv6 ?? [])].join(', ')],
    ['probe', endpoints.probe && `GET ${endpoints.probe.path} answers ${endpoints.probe.status}`],
    ['holds', region.capacityRequests === undefined ? undefined : `${region.capacityRequests} requests`],
    ['weight', number(region.weight)],
    ['bias', region.biasMs === 0 ? undefined : `${region.biasMs} ms`],
    ['capabilities', region.capabilities.join(', ')],
    ['labels', labels.join(', ')],
    ['known from', region.source === 'file' ? 'a file' : 'its registration'],
    ['lease', lease && `epoch ${lease.epoch}, ${leaseWords(lease.expiresInMs)}`],
    ['load', load && describeLoad(load)],
    ['old', staleWords(region)],
  ]
  const told = facts.filter((fact): fact is readonly [string, Cell | string] => fact[1] !== undefined && fact[1] !== '')
  return renderFacts(told, paint)
}

/** That an answer shows what was last known, and from when; undefined for one from the store. */
export function staleWords({ stale, ageMs }: Staleness): string | undefined {
  if (stale === undefined) return undefined
  const when = ageMs === undefined ? 'before this router started' : ago(ageMs)
  return `the shared store cannot be read: this is what was last known, ${when}`
}

function stateCell({ state }: RegionView): Cell {
  return { text: state, style: stateStyles[state] }
}

function describeLoad({ ageMs, inflight, ...load }: NonNullable<RegionView['load']>): string {
  const parts = [
    inflight !== undefined && `${inflight} in flight`,
    load.requestsPerSecond !== undefined && `${load.requestsPerSecond} requests/s`,
    load.queueDepth !== undefined && `${load.queueDepth} queued`,
    load.latencyMs !== undefined && `${load.latencyMs} ms each`,
    load.cpu !== undefined && `CPU ${percent(load.cpu)}`,
    load.memory !== undefined && `memory ${percent(load.memory)}`,
    load.kvCache !== undefined && `KV cache ${percent(load.kvCache)}`,
    load.errorRate !== undefined && `errors ${percent(load.errorRate)}`,
  ]
  return [...parts.filter(part => part !== false), `reported ${ago(ageMs)}`].join(', ')
}

/** When nobody is left, and how that is known. */
export function describeEstimate(estimate: NonNullable<RegionView['drain']>['estimate']): string | undefined {
  if (estimate === undefined) return undefined
  const { basis, inflight, emptyInSeconds } = estimate
  if (basis === 'empty') return 'yes: nothing is in flight'
  if (basis === 'silent') {
    const last = inflight === undefined ? '' : `, with ${inflight} in flight`
    return `no telling: it has fallen silent${last}`
  }
  if (inflight === undefined) return 'no telling: it does not report what is in flight'
  if (emptyInSeconds === undefined) {
    return `no telling: ${inflight} in flight${basis === 'not-falling' ? ', and not falling' : ''}`
  }
  const how = basis === 'trend' ? 'as its reports fall' : 'by how long a request stays'
  return `in about ${seconds(emptyInSeconds)}, ${how}: ${inflight} in flight`
}

function seconds(count: number): string {
  return count < 120 ? `${Math.ceil(count)} s` : `${Math.ceil(count / 60)} min`
}

function leaseWords(expiresInMs: number): string {
  return expiresInMs > 0 ? `believed for another ${(expiresInMs / 1000).toFixed(1)} s` : `lapsed ${ago(-expiresInMs)}`
}

function ago(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s ago`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min ago`
  return `${Math.round(ms / 3_600_000)} h ago`
}

function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`
}

function number(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}
