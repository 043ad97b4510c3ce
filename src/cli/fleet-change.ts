/** What `meridian regions apply` is asked to do, and what it finds to be done. */

import type { Region } from '../regions/region.ts'
import type { ControlOptions } from './control-options.ts'

export interface ChangeOptions extends ControlOptions {
  /** Also what the agent of a region will undo. */
  readonly force?: boolean
}

export interface ApplyOptions extends ChangeOptions {
  readonly prune?: boolean
  readonly dryRun?: boolean
  /** Folder with the fleet to compare with. */
  readonly against?: string
  readonly config?: string
}

export interface FleetChange {
  readonly kind: 'new' | 'changed' | 'removed'
  readonly region: Region
  /** What was seen of it: changes are made only while it is so. */
  readonly revision: number
}

/** A change that is left alone, since the agent of the region would undo it. */
export interface KeptRegion {
  readonly region: string
  /** Age of the last heartbeat; absent where only the router saw that there is one. */
  readonly heartbeatAgeMs?: number
}

export function describeKept({ region, heartbeatAgeMs }: KeptRegion): string {
  const age = heartbeatAgeMs === undefined ? '' : ` (last heartbeat ${(heartbeatAgeMs / 1_000).toFixed(1)} s ago)`
  return `${region} kept as it is by its agent${age}`
}

/** A region that is as its file says, but for which no heartbeats come any more. */
export interface LapsedRegion {
  readonly region: string
  readonly lapsedMs: number
}

export function describeLapsed({ region, lapsedMs }: LapsedRegion): string {
  const since = `its lease has lapsed (${(lapsedMs / 1_000).toFixed(1)} s ago)`
  return `${region} as it is, but ${since}: start its agent; regions register has it believed for one lease`
}
