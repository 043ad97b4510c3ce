/**
 * Turns what the store remembers into the snapshot that routers decide from.
 *
 * Who judges a region (lease, probe, operator) is an argument: that needs health, which lives a floor above.
 */

import type { RegionState, Snapshot, Verdict } from './snapshot.ts'
import type { FleetRecord, FleetState } from './store.ts'
import { tollShare } from './tolls.ts'

export interface SnapshotInput {
  readonly fleet: FleetState
  readonly judge: (record: FleetRecord) => Verdict
  readonly version: number
  /** Milliseconds on the caller's own clock; the fleet's `now` may be another machine's. */
  readonly takenAt: number
  /** When the fleet was read, on the same clock; absent: just now. A store that is away is of its last reading. */
  readonly readAt?: number | undefined
  /** Time to first byte of an idle region above the fleet's best, ms by region id; absent: 0. */
  readonly serviceMs?: ((region: string) => number) | undefined
  /** The snapshot before this one: tells which regions have just come back. */
  readonly previous?: Snapshot | undefined
}

/** The fleet as one immutable snapshot, regions ordered by id. */
export function buildSnapshot(input: SnapshotInput): Snapshot {
  const { fleet, judge, version, takenAt, readAt = takenAt, serviceMs, previous } = input
  const { mode, leader } = fleet
  const clockOffsetMs = readAt - fleet.now
  const tolls = fleet.tolls && { ...fleet.tolls, setAt: fleet.tolls.setAt + clockOffsetMs }
  const share = tolls === undefined ? 0 : tollShare(takenAt - tolls.setAt)
  const before = new Map(previous?.regions.map(state => [state.region.id, state]))
  const regions = fleet.records.map((record): RegionState => {
    const verdict = judge(record)
    const since = sinceWhen(record, verdict, before.get(record.region.id), fleet.now)
    const { region, load } = record
    return {
      ...{ region, verdict, ...(load !== undefined && { load }), since },
      tollMs: share * (tolls?.byRegion.get(region.id) ?? 0),
      serviceMs: serviceMs?.(region.id) ?? 0,
    }
  })
  return {
    ...{ version, takenAt, clockOffsetMs, mode },
    ...(tolls !== undefined && { tolls: { term: tolls.term, setAt: tolls.setAt } }),
    ...(leader !== undefined && { leader }),
    regions,
  }
}

/** Start of the region's present life: its registration, or the moment it came back from being down, if that is later. */
function sinceWhen(record: FleetRecord, verdict: Verdict, before: RegionState | undefined, now: number): number {
  if (before === undefined) return record.registeredAt
  const cameBack = before.verdict.condition === 'down' && verdict.condition !== 'down'
  return cameBack ? now : Math.max(record.registeredAt, before.since)
}

/**
 * A fleet that the operator has frozen: conditions, loads and tolls as they were, drains as they are now. What has come or
 * gone since then is passed over.
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
  const { tolls: _, ...rest } = present
  return { ...rest, ...(frozen.tolls !== undefined && { tolls: frozen.tolls }), regions }
}
