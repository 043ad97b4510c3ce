/** A region as the API shows it: what the operator said, what the store knows, and the state that decisions go by. */

import type { DrainTracker } from '../regions/drain-estimate.ts'
import type { RegionState, Snapshot, Verdict } from '../regions/snapshot.ts'
import type { FleetRecord, FleetState } from '../regions/store.ts'
import type { RegionView } from './schemas.ts'

/** The store and the snapshot as one list, ordered by id. */
export function viewFleet({ now, records }: FleetState, snapshot: Snapshot, drains?: DrainTracker): RegionView[] {
  const states = new Map(snapshot.regions.map(state => [state.region.id, state]))
  return records.map(record => viewRegion(record, states.get(record.region.id), now, drains))
}

/** In the store a moment before it is in the snapshot: nobody is sent there yet. */
const notYet: Verdict = { condition: 'down', by: 'default', detail: 'registered, but not in the snapshot yet' }

function viewRegion(
  record: FleetRecord,
  state: RegionState | undefined,
  now: number,
  drains: DrainTracker | undefined,
): RegionView {
  const { region, lease, drain, load } = record
  const estimate = drains?.estimateOf(region.id, now)
  const verdict = state?.verdict ?? notYet
  return {
    ...region,
    state: verdict.condition,
    reason: verdict.by,
    detail: verdict.detail,
    source: record.source,
    revision: record.revision,
    ...(load !== undefined && { load: viewLoad(load, now) }),
    ...(lease !== undefined && { lease: { epoch: lease.epoch, expiresInMs: Math.round(lease.expiresAt - now) } }),
    ...(drain !== undefined && {
      drain: { by: drain.by, reason: drain.reason, ageMs: Math.round(now - drain.at), ...(estimate && { estimate }) },
    }),
  }
}

/** Ages instead of times: the store's clock means nothing to a reader. */
function viewLoad(
  { receivedAt, ...report }: NonNullable<FleetRecord['load']>,
  now: number,
): NonNullable<RegionView['load']> {
  return { ...report, ageMs: Math.round(now - receivedAt) }
}
