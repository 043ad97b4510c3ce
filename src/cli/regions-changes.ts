/** `meridian regions register, apply, remove`: what an operator's files say, told to a running router. */

import { isDeepStrictEqual } from 'node:util'
import type { RegionView } from '../control/schemas.ts'
import { checkRegion } from '../regions/check-region.ts'
import { Region } from '../regions/region.ts'
import { readRegionFile, readRegionFiles } from '../regions/region-files.ts'
import { askControl } from './control-client.ts'
import type { ControlOptions } from './control-options.ts'
import { dryRun } from './dry-run.ts'
import type { ApplyOptions, FleetChange } from './fleet-change.ts'
import { pathOf, readRegions } from './regions.ts'
import type { Terminal } from './terminal.ts'

export async function registerRegion(file: string, options: ControlOptions, { print }: Terminal): Promise<void> {
  const region = await readRegionFile(file)
  const answer = (await askControl(options, { ...putRequest(region), answerKey: 'epoch' })) as Registered
  if (options.json) return print(JSON.stringify(answer))
  print(
    `${region.id} is registered, revision ${answer.revision}; believed for ${answer.leaseMs / 1000} s without a heartbeat`,
  )
}

export async function removeRegion(id: string, options: ControlOptions, { print }: Terminal): Promise<void> {
  await askControl(options, { method: 'DELETE', path: pathOf(id) })
  print(options.json ? JSON.stringify({ removed: id }) : `${id} has no registration any more`)
}

export async function applyRegions(folder: string, options: ApplyOptions, terminal: Terminal): Promise<void> {
  const wanted = await readRegionFiles(folder)
  const views = options.against === undefined ? await readRegions(options) : []
  const known = options.against === undefined ? views.map(specOf) : await readRegionFiles(options.against)
  const changes = findChanges(wanted, known, views, options.prune === true)
  if (options.dryRun || options.against !== undefined) return dryRun({ known, views, changes }, options, terminal)
  for (const change of changes) await make(change, options)
  const made = changes.map(({ kind, region }) => ({ kind, region: region.id }))
  if (options.json) return terminal.print(JSON.stringify({ changes: made }))
  terminal.print(
    ...made.map(({ kind, region }) => `${region} ${kind}`),
    `${made.length} of ${wanted.length} regions told`,
  )
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

async function make({ kind, region, revision }: FleetChange, options: ControlOptions): Promise<void> {
  const headers = { 'if-match': `"${revision}"` }
  if (kind === 'removed') await askControl(options, { method: 'DELETE', path: pathOf(region.id), headers })
  else await askControl(options, { ...putRequest(region), headers, answerKey: 'epoch' })
}

function putRequest(region: Region) {
  return { method: 'PUT', path: pathOf(region.id), body: region } as const
}

/** What the operator or the region said, without what the router knows of it. */
function specOf(view: RegionView): Region {
  const keys = new Set(Object.keys(Region.properties))
  return checkRegion(Object.fromEntries(Object.entries(view).filter(([key]) => keys.has(key))), view.id)
}
