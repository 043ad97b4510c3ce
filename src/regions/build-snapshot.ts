/**
 * Turns what the store remembers into the snapshot that routers decide from.
 *
 * Who judges a region (lease, probe, operator) is an argument: that needs health, which lives a floor above.
 */

import type { RegionState, Snapshot, Verdict } from './snapshot.ts'
import type { FleetRecord, FleetState } from './store.ts'

export interface SnapshotInput {
  readonly fleet: FleetState
  readonly judge: (record: FleetRecord) => Verdict
  readonly version: number
  /** Milliseconds on the caller's own clock; the fleet's `now` may be another machine's. */
  readonly takenAt: number
  /** The snapshot before this one: tells which regions have just come back. */
  readonly previous?: Snapshot | undefined
}

/** The fleet as one immutable snapshot, regions ordered by id. */
export function buildSnapshot({ fleet, judge, version, takenAt, previous }: SnapshotInput): Snapshot {
  const before = new Map(previous?.regions.map(state => [state.region.id, state]))
  const regions = fleet.records.map(record => {
    const verdict = judge(record)
    return stateOf(record, verdict, sinceWhen(record, verdict, before.get(record.region.id), fleet.now))
  })
  return { version, takenAt, mode: fleet.mode, regions }
}

function stateOf({ region, load }: FleetRecord, verdict: Verdict, since: number): RegionState {
  // Tolls and service times are measured by later parts of the router; until then a region costs nothing extra.
  return { region, verdict, ...(load !== undefined && { load }), since, tollMs: 0, serviceMs: 0 }
}

/** Start of the region's present life: its registration, or the moment it came back from being down, if that is later. */
function sinceWhen(record: FleetRecord, verdict: Verdict, before: RegionState | undefined, now: number): number {
  if (before === undefined) return record.registeredAt
  const cameBack = before.verdict.condition === 'down' && verdict.condition !== 'down'
  return cameBack ? now : Math.max(record.registeredAt, before.since)
}

/**
 * A fleet that the operator has frozen: conditions and loads as they were, drains as they are now. What has come or gone
 * since then is passed over.
 *
 * @param frozen the last snapshot before
 * @param present the fleet as it really is; its version and time are taken
 */
export function freezeSnapshot(frozen: Snapshot, present: Snapshot): Snapshot {
  const verdicts = new Map(present.regions.map(({ region, verdict }) => [region.id, verdict]))
  const regions = frozen.regions.map(state => {
    const verdict = verdicts.get(state.region.id)
    const drainChanged = verdict?.condition === 'draining' || state.verdict.condition === 'draining'
    return verdict !== undefined && drainChanged ? { ...state, verdict } : state
  })
  return { ...present, regions }
}
