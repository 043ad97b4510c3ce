/** `meridian regions apply --dry-run`: whom a change of the fleet would move, decided by the router's own code. */

import { loadConfig } from '../config/config.ts'
import type { RegionView } from '../control/schemas.ts'
import { countAddresses } from '../geo/address-space.ts'
import { embeddedDatabase, loadLocator } from '../geo/load-locator.ts'
import type { Region } from '../regions/region.ts'
import type { RegionState, Snapshot, Verdict } from '../regions/snapshot.ts'
import { compareFleets, type WhatIf } from '../routing/what-if.ts'
import { routerSettings } from '../runtime/settings.ts'
import {
  type ApplyOptions,
  describeKept,
  describeLapsed,
  type FleetChange,
  type KeptRegion,
  type LapsedRegion,
} from './fleet-change.ts'
import { leftAligned, renderTable } from './table.ts'
import type { Paint, Terminal } from './terminal.ts'

export interface FleetPlan {
  readonly known: readonly Region[]
  /** What a running router knows of them; empty where none was asked. */
  readonly views: readonly RegionView[]
  readonly changes: readonly FleetChange[]
  /** What else would change if their agents let it. */
  readonly kept: readonly KeptRegion[]
  /** What would stay out of service. */
  readonly lapsed: readonly LapsedRegion[]
}

export async function dryRun(
  { known, views, changes, kept, lapsed }: FleetPlan,
  options: ApplyOptions,
  terminal: Terminal,
): Promise<void> {
  const { print, paint, environment } = terminal
  // Without a configuration: the built-in rule and the embedded database.
  const config = loadConfig(options.config, options.config === undefined ? {} : environment, 'read')
  const locator = await loadLocator(options.config === undefined ? { databases: [embeddedDatabase] } : config.geo)
  const { cells: weights, pinned } = countAddresses(locator)
  // Of whom nothing is known, mostly reserved addresses, there are no clients to move; but a pin means some.
  weights[0] = 0
  const verdicts = new Map(views.map(({ id, state, reason, detail }) => [id, { condition: state, by: reason, detail }]))
  const effects = compareFleets({
    before: snapshotOf(known, verdicts),
    after: snapshotOf(afterwards(known, changes), verdicts),
    settings: routerSettings(config),
    locator,
    weights,
    pinned: pinned.map(({ addresses, ...where }) => ({ ...where, weight: addresses })),
  })
  const told = changes.map(({ kind, region }) => ({ kind, region: region.id }))
  const report = { changes: told, ...(kept.length > 0 && { kept }), ...(lapsed.length > 0 && { lapsed }), effects }
  print(
    ...(options.json
      ? [JSON.stringify(report)]
      : render(told, [...kept.map(describeKept), ...lapsed.map(describeLapsed)], effects, paint)),
  )
}

function afterwards(known: readonly Region[], changes: readonly FleetChange[]): Region[] {
  const fleet = new Map(known.map(region => [region.id, region]))
  for (const { kind, region } of changes) {
    if (kind === 'removed') fleet.delete(region.id)
    else fleet.set(region.id, region)
  }
  return [...fleet.values()]
}

const willBeUp: Verdict = { condition: 'up', by: 'default', detail: 'taken for up' }

/** Drained regions stay drained; one that is new is taken for up. */
function snapshotOf(regions: readonly Region[], verdicts: ReadonlyMap<string, Verdict>): Snapshot {
  const states = regions.map(
    (region): RegionState => ({
      region,
      verdict: verdicts.get(region.id) ?? willBeUp,
      since: 0,
      tollMs: 0,
      serviceMs: 0,
    }),
  )
  return { version: 1, takenAt: 0, regions: states.sort((a, b) => (a.region.id < b.region.id ? -1 : 1)) }
}

/** Moves that are shown; the others together are a line. */
const mostMoves = 12
/** Below this a share is shown as nothing. */
const leastShare = 0.000_005
const width = 120

type Told = readonly { readonly kind: string; readonly region: string }[]

function render(changes: Told, notes: readonly string[], effects: readonly WhatIf[], paint: Paint): string[] {
  const noteLines = notes.map(note => paint('yellow', note))
  if (changes.length === 0) return ['Nothing would change.', ...noteLines]
  return [
    ...changes.map(({ kind, region }) => `${region} ${kind}`),
    ...noteLines,
    ...effects.flatMap(effect => renderEffect(effect, paint)),
    '',
    paint('dim', 'Shares of the known IPv4 address space, with what overrides pin; costs by distance, tier and bias.'),
    paint('dim', 'Left out: load, IPv6, capabilities that no region has.'),
  ]
}

/** What one rule's clients would do, as lines. */
export function renderEffect(effect: WhatIf, paint: Paint): string[] {
  const { rule, capabilities, movedShare, meanBeforeMs, meanAfterMs, moves } = effect
  // A fleet may know hundreds of them; those for which nothing changes are as many lines of nothing.
  if (capabilities !== undefined && capabilities.length > 0 && moves.length === 0) return []
  const summary = `${percent(movedShare)} of clients would move; mean cost ${ms(meanBeforeMs)} → ${ms(meanAfterMs)} ms`
  const right = (header: string) => ({ header, align: 'right' as const })
  const columns = [...leftAligned('from', 'to'), right('clients'), right('before ms'), right('after ms')]
  const shown = moves.slice(0, mostMoves).filter(({ share }) => share >= leastShare)
  const rows = shown.map(move => [
    ...[move.from ?? 'nowhere', move.to ?? 'nowhere', percent(move.share)],
    ...[move.beforeMs === undefined ? '' : ms(move.beforeMs), move.afterMs === undefined ? '' : ms(move.afterMs)],
  ])
  const rest = moves.slice(shown.length)
  return [
    '',
    paint('bold', `rule ${rule}${askedWords(capabilities)}: ${summary}`),
    ...(shown.length === 0 ? [] : renderTable(columns, rows, width, paint)),
    ...(rest.length === 0 ? [] : [restWords(rest, shown.length > 0)]),
  ]
}

function askedWords(capabilities: WhatIf['capabilities']): string {
  if (capabilities === undefined) return ''
  return capabilities.length === 0 ? ', no capability asked for' : `, asked for ${capabilities.join(' or ')}`
}

/** Largest moves come first, so these are smaller than those shown. */
function restWords(rest: WhatIf['moves'], isMore: boolean): string {
  const count = `${isMore ? 'and ' : ''}${rest.length} ${isMore ? 'smaller' : 'tiny'} move${rest.length === 1 ? '' : 's'}`
  return `${count}, ${percent(rest.reduce((sum, { share }) => sum + share, 0))} together`
}

function percent(share: number): string {
  if (share > 0 && share < leastShare) return 'less than 0.001 %'
  return `${(100 * share).toFixed(share < 0.001 && share > 0 ? 3 : 1)} %`
}

function ms(milliseconds: number): string {
  return milliseconds.toFixed(1)
}
