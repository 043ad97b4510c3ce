/**
 * The fleet at one moment, as everything that decides sees it. Swapped whole, never edited.
 */

import type { ReceivedLoadReport } from './load-report.ts'
import type { Region } from './region.ts'
import type { FleetMode } from './store.ts'

/** `impaired`: a first failure was seen and is being checked; still used. `down` is a doubt, not a certainty. */
export type RegionCondition = 'up' | 'impaired' | 'draining' | 'down'

/** Whose word decided a region's condition, and in which words; the trace shows both. */
export interface Verdict {
  readonly condition: RegionCondition
  readonly by: 'operator' | 'lease' | 'probe' | 'default'
  readonly detail: string
}

export interface RegionState {
  readonly region: Region
  readonly verdict: Verdict
  readonly load?: ReceivedLoadReport
  /** When the region (re-)registered or came back, on the store's clock. */
  readonly since: number
  /** Price of a region that is persistently full, ms; the same for all routers. */
  readonly tollMs: number
  /** Time to first byte of the unloaded region above the fleet's best, ms. */
  readonly serviceMs: number
}

export interface SnapshotTolls {
  /** Rises with every change of the lead. */
  readonly term: number
  /** Milliseconds on the clock of `takenAt`. */
  readonly setAt: number
}

export interface Snapshot {
  /** Rises by one with every swap. */
  readonly version: number
  /** Milliseconds on the clock given to whoever built it. */
  readonly takenAt: number
  /** That clock minus the store's, which stamps loads and registrations; absent: 0. */
  readonly clockOffsetMs?: number
  /** Which tolls the regions have, before their age was counted; absent: none were ever set. */
  readonly tolls?: SnapshotTolls
  /** `router.id` of the router that sets the tolls; absent: none does at this moment. */
  readonly leader?: string
  /** The operator's brake; absent: `auto`. */
  readonly mode?: FleetMode
  /** Ordered by id. */
  readonly regions: readonly RegionState[]
}
