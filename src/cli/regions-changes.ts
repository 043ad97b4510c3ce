/** `meridian regions register, apply, remove`: what an operator's files say, told to a running router. */

import { isDeepStrictEqual } from 'node:util'
import type { RegionView } from '../control/schemas.ts'
import { MeridianError } from '../errors.ts'
import { checkRegion } from '../regions/check-region.ts'
import { Region } from '../regions/region.ts'
import { readRegionFile, readRegionFiles } from '../regions/region-files.ts'
import { askControl } from './control-client.ts'
import { dryRun } from './dry-run.ts'
import {
  type ApplyOptions,
  type ChangeOptions,
  describeKept,
  describeLapsed,
  type FleetChange,
  type KeptRegion,
  type LapsedRegion,
} from './fleet-change.ts'
import { pathOf, readRegions } from './regions.ts'
import type { Terminal } from './terminal.ts'

export async function registerRegion(file: string, options: ChangeOptions, { print }: Terminal): Promise<void> {
  const region = await readRegionFile(file)
  const answer = (await askControl(options, { ...putRequest(region, options), answerKey: 'epoch' })) as Registered
  if (options.json) return print(JSON.stringify(answer))
  print(
    `${region.id} is registered, revision ${answer.revision}; believed for ${answer.leaseMs / 1000} s without a heartbeat`,
  )
}

export async function removeRegion(id: string, options: ChangeOptions, { print }: Terminal): Promise<void> {
  await askControl(options, { method: 'DELETE', path: changePath(id, options) })
  print(options.json ? JSON.stringify({ removed: id }) : `${id} has no registration any more`)
}

/** @throws MeridianError REGION_KEPT after everything else was done, where agents keep some regions as they are */
export async function applyRegions(folder: string, options: ApplyOptions, terminal: Terminal): Promise<void> {
  const wanted = await readRegionFiles(folder)
  const views = options.against === undefined ? await readRegions(options) : []
  const known = options.against === undefined ? views.map(specOf) : await readRegionFiles(options.against)
  const found = findChanges(wanted, known, views, options.prune === true)
  const kept = options.force ? [] : findKept(found, views)
  const changes = found.filter(change => !kept.some(({ region }) => region === change.region.id))
  const lapsed = findLapsed(wanted, found, views)
  if (options.dryRun || options.against !== undefined) {
    await dryRun({ known, views, changes, kept, lapsed }, options, terminal)
    // As the real run would end.
    if (kept.length > 0) throw someKept(kept)
    return
  }
  const made: FleetChange[] = []
  for (const change of changes) {
    if (await make(change, options)) made.push(change)
    else kept.push({ region: change.region.id })
  }
  const told = made.map(({ kind, region }) => ({ kind, region: region.id }))
  const left = { ...(kept.length > 0 && { kept }), ...(lapsed.length > 0 && { lapsed }) }
  if (options.json) terminal.print(JSON.stringify({ changes: told, ...left }))
  else {
    terminal.print(
      ...told.map(({ kind, region }) => `${region} ${kind}`),
      ...kept.map(describeKept),
      ...lapsed.map(describeLapsed),
      `${told.length} of ${wanted.length} regions told`,
    )
  }
  if (kept.length > 0) throw someKept(kept)
}

interface Registered {
  readonly epoch: number
  readonly leaseMs: number
  readonly revision: number
}

/** What has to be told so that every file holds; with `prune`, what has registered and has no file goes. */
function findChanges(
  wanted: readonly Region[],
  known: readonly Region[],
  views: readonly RegionView[],
  prune: boolean,
): FleetChange[] {
  const revisions = new Map(views.map(({ id, revision }) => [id, revision]))
  const specs = new Map(known.map(region => [region.id, region]))
  const told = wanted
    .filter(region => !isDeepStrictEqual(region, specs.get(region.id)))
    .map((region): FleetChange => {
      const kind = specs.has(region.id) ? 'changed' : 'new'
      return { kind, region, revision: revisions.get(region.id) ?? 0 }
    })
  if (!prune) return told
  const ids = new Set(wanted.map(({ id }) => id))
  // A file of the router's own goes by being taken away there; against a folder anything may go.
  const removable = known.filter(({ id }) => !ids.has(id) && revisions.get(id) !== 0)
  const removed = removable.map(
    (region): FleetChange => ({
      kind: 'removed',
      region,
      revision: revisions.get(region.id) ?? 0,
    }),
  )
  return [...told, ...removed]
}

/** Of what was found, that which an agent would undo a heartbeat later. */
function findKept(changes: readonly FleetChange[], views: readonly RegionView[]): KeptRegion[] {
  const ids = new Set(changes.map(({ region }) => region.id))
  return views.flatMap(({ id, lease, load }) => {
    const isKept = ids.has(id) && load !== undefined && lease !== undefined && lease.expiresInMs > 0
    return isKept ? [{ region: id, heartbeatAgeMs: load.ageMs }] : []
  })
}

/** Of those that are as their files say, the ones that nobody believes any more: their agents are gone. */
function findLapsed(
  wanted: readonly Region[],
  changes: readonly FleetChange[],
  views: readonly RegionView[],
): LapsedRegion[] {
  const unchanged = new Set(wanted.map(({ id }) => id))
  for (const { region } of changes) unchanged.delete(region.id)
  return views.flatMap(({ id, lease }) =>
    unchanged.has(id) && lease !== undefined && lease.expiresInMs <= 0
      ? [{ region: id, lapsedMs: -lease.expiresInMs }]
      : [],
  )
}

function someKept(kept: readonly KeptRegion[]): MeridianError {
  const ids = kept.map(({ region }) => region).join(', ')
  return new MeridianError(
    'REGION_KEPT',
    `kept as they are by their agents: ${ids}; change the region files of the agents, or stop them (--force tells the router all the same, until they register again)`,
  )
}

/** Whether it was done; not where an agent has come meanwhile. */
async function make({ kind, region, revision }: FleetChange, options: ApplyOptions): Promise<boolean> {
  const headers = { 'if-match': `"${revision}"` }
  const removal = { method: 'DELETE', path: changePath(region.id, options), headers } as const
  const registration = { ...putRequest(region, options), headers, answerKey: 'epoch' }
  try {
    await askControl(options, kind === 'removed' ? removal : registration)
    return true
  } catch (error) {
    if (error instanceof MeridianError && error.code === 'REGION_KEPT') return false
    throw error
  }
}

function putRequest(region: Region, options: ChangeOptions) {
  return { method: 'PUT', path: changePath(region.id, options), body: region } as const
}

/** The router looks for an agent itself: it knows best, and whoever may only write cannot look. */
function changePath(id: string, { force }: ChangeOptions): string {
  return force ? pathOf(id) : `${pathOf(id)}?unlessKept=true`
}

/** What the operator or the region said, without what the router knows of it. */
function specOf(view: RegionView): Region {
  const keys = new Set(Object.keys(Region.properties))
  return checkRegion(Object.fromEntries(Object.entries(view).filter(([key]) => keys.has(key))), view.id)
}
