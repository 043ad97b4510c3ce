/** Draws the reasoning behind one decision for a person: who asked, who was picked, and every region's column of milliseconds. */

import { basename } from 'node:path'
import type { LocationView } from '../control/schemas.ts'
import type {
  Believed,
  CostColumn,
  RejectionKind,
  Trace,
  TracedCandidate,
  TracedRejection,
  TracedSnapshot,
} from '../routing/decision.ts'
import { type Cell, type Column, leftAligned, type Row, renderFacts, renderTable } from './table.ts'
import type { Paint, Style } from './terminal.ts'

/** What `GET /v1/explain` answers. */
export interface TraceAnswer extends Omit<Trace, 'client'> {
  readonly client: { readonly address: string; readonly network: string; readonly location?: LocationView }
}

const width = 120
const terms = ['rtt', 'service', 'toll', 'barrier', 'tier', 'bias'] as const satisfies readonly (keyof CostColumn)[]

export function renderTrace(trace: TraceAnswer, paint: Paint): string[] {
  return [...summary(trace, paint), '', ...renderRegions(trace, paint)]
}

function summary(trace: TraceAnswer, paint: Paint): string[] {
  const { client, rule, transport, audience, pick, snapshot, region, reason, degraded, shedding } = trace
  const shout: Cell = { text: `DEGRADED: ${degradedWords(trace)}`, style: 'red' }
  return renderFacts(
    [
      ['client', `${client.address} in network ${client.network}`],
      ['location', client.location === undefined ? 'unknown' : describeLocation(client.location)],
      ['rule', `${rule} (${transport}), audience ${audience}`],
      ['decision', { text: `${region ?? 'no region'}: ${reasonWords[reason]}`, style: 'bold' }],
      ...(degraded ? [['', shout] as const] : []),
      ...(shedding === undefined ? [] : [['', sheddingCell(shedding)] as const]),
      ['pick', pickWords(pick)],
      ['snapshot', snapshotWords(snapshot)],
      ...(snapshot.tolls === undefined ? [] : [['tolls', tollWords(snapshot, snapshot.tolls)] as const]),
    ],
    paint,
  )
}

const reasonWords: Readonly<Record<Trace['reason'], string>> = {
  'least-cost': 'least cost',
  explored: 'second best, to be measured: this client network explores for an hour',
  pinned: 'an override pins this network to it',
  'default-order': 'nothing is known of the client, so the declared default order counts',
  doubtful: 'only regions in doubt are left',
  'last-resort': "the rule's last resort, since nothing else is left",
  shed: 'every region is full, and requests like this one give way',
  none: 'nothing may serve this request',
}

function degradedWords({ reason }: TraceAnswer): string {
  return reason === 'none' ? 'the answer is an error' : 'clients are sent there, since there is nothing better'
}

function sheddingCell({ priority, probability }: NonNullable<Trace['shedding']>): Cell {
  const share = `${(100 * probability).toFixed(1)} % of priority ${priority} are answered 503`
  return { text: `FULL: no region that may serve this has room; ${share}`, style: 'yellow' }
}

function pickWords({ kind, key, temperatureMs }: Trace['pick']): string {
  if (kind === 'lowest') return 'always the cheapest'
  return `weighted, by ${kind.replace('-', ' ')} ${key}, temperature ${temperatureMs} ms`
}

function snapshotWords({ version, ageMs, mode }: TracedSnapshot): string {
  return [version, `${seconds(ageMs)} old`, ...(mode === undefined ? [] : [mode])].join(', ')
}

/** Who leads now need not be who set them. */
function tollWords({ leader }: TracedSnapshot, { term, ageMs }: NonNullable<TracedSnapshot['tolls']>): string {
  return `set ${seconds(ageMs)} ago in term ${term}, ${leader === undefined ? 'nobody leads now' : `${leader} leads`}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

/** One line: what is known of a place, the finest first. */
export function describeLocation(location: LocationView): string {
  const { city, subdivision, country, continent, latitude, longitude, accuracyRadiusKm, countryPoint, source } =
    location
  // Databases name a large place near by, not the one that a client is in.
  const near = city === undefined ? undefined : `near ${city}`
  const names = [near, subdivision, country ?? continent].filter(name => name !== undefined)
  const radius = accuracyRadiusKm === undefined ? '' : ` ± ${accuracyRadiusKm} km`
  const kind = countryPoint ? " (the middle of the country's people)" : ''
  const point = latitude === undefined || longitude === undefined ? [] : [`${latitude}, ${longitude}${radius}${kind}`]
  return [names.join(', ') || 'place without a name', ...point, `from ${basename(source)}`].join(' · ')
}

function renderRegions(trace: TraceAnswer, paint: Paint): string[] {
  const { candidates, rejected, region } = trace
  const all = [...candidates, ...rejected]
  const shownTerms = all.some(({ column }) => column.order !== undefined) ? ([...terms, 'order'] as const) : terms
  const [rtt, ...others] = shownTerms
  const isMeasured = all.some(({ believed }) => believed?.rtt !== undefined)
  const number = (header: string): Column => ({ header, align: 'right' })
  const columns: Column[] = [
    ...leftAligned('', 'region', ''),
    number(rtt),
    ...(isMeasured ? leftAligned('measured') : []),
    ...others.map(number),
    ...leftAligned('='),
    { header: 'cost ms', align: 'right' },
    ...leftAligned('share, or why not'),
  ]
  const row = (entry: TracedCandidate | TracedRejection, chosenStyle: Style, end: Cell): Row => {
    const chosen = entry.region === region
    const style = chosen ? chosenStyle : undefined
    const numberOf = (term: keyof CostColumn): Cell => ({ text: milliseconds(entry.column[term] ?? 0), style })
    const numbers = [
      numberOf(rtt),
      ...(isMeasured ? [{ text: describeMeasurement(entry.believed?.rtt), style }] : []),
      ...others.map(numberOf),
    ]
    const cost = { text: milliseconds(entry.costMs), style }
    return [
      ...[
        { text: chosen ? '→' : '', style },
        { text: entry.region, style },
        { text: entry.tier, style },
      ],
      ...[...numbers, { text: '=', style: 'dim' } as const, cost, end],
    ]
  }
  const rejectedRows = (['doubtful', 'later-tier', 'forbidden'] as const).flatMap((kind): Row[] => {
    const entries = rejected.filter(entry => entry.kind === kind).sort((a, b) => a.costMs - b.costMs)
    if (entries.length === 0) return []
    const style = kind === 'doubtful' ? 'yellow' : 'dim'
    const why = (entry: TracedRejection): Cell => ({ text: describeRejection(entry), style })
    return [{ heading: headings[kind] }, ...entries.map(entry => row(entry, 'red', why(entry)))]
  })
  const candidateRows = candidates.map(entry => row(entry, 'green', { text: describeShare(entry) }))
  return renderTable(columns, [...candidateRows, ...rejectedRows], width, paint)
}

const headings: Readonly<Record<RejectionKind, string>> = {
  doubtful: 'In doubt: used only when nothing better is left',
  'later-tier': 'Later: used when those above cannot take it',
  forbidden: 'Forbidden: never used for this request',
}

/** What lacks a capability says so itself, and so fits into one line. */
function describeRejection({ reason, detail }: TracedRejection): string {
  return reason === 'capability' ? detail : `${reason}: ${detail}`
}

/** Most regions of a large fleet get nothing: a dash lets those stand out that do, or that are busy all the same. */
function describeShare({ share, believed }: TracedCandidate): string {
  const percent = (100 * share).toFixed(1)
  const busy = believed?.utilisation === undefined ? undefined : Math.round(100 * believed.utilisation)
  if (percent === '0.0') return busy ? `–, is ${busy} % busy` : '–'
  return busy === undefined ? `gets ${percent} %` : `gets ${percent} %, is ${busy} % busy`
}

/** Whose samples made a round trip, and how many they weigh; nothing where distance alone did. */
function describeMeasurement(rtt: Believed['rtt']): string {
  if (rtt === undefined) return ''
  // Not measured itself: what others have in common is taken to hold for it, too.
  if (rtt.samples === undefined) return 'elsewhere'
  return `${rtt.level === 'network' ? 'net' : rtt.level} ×${rtt.samples.toFixed(rtt.samples < 10 ? 1 : 0)}`
}

/** Two decimals, which is how they add up; a plain 0 stands under the others' units. */
function milliseconds(ms: number): string {
  return ms === 0 ? '0   ' : ms.toFixed(2)
}
