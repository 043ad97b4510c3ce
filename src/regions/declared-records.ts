/** A fleet that was read earlier, with the regions that files declare by now: those need no store to be known. */

import type { Region } from './region.ts'
import type { FleetRecord, FleetState } from './store.ts'

/** Registrations overlay files, and drains stay, as in a reading of the store. */
export function withDeclared(fleet: FleetState, declared: readonly Region[]): FleetState {
  const known = new Map(fleet.records.map(record => [record.region.id, record]))
  const records = new Map(declared.map(region => [region.id, fromFile(region, known.get(region.id), fleet.now)]))
  for (const record of fleet.records) if (record.source === 'registered') records.set(record.region.id, record)
  return { ...fleet, records: [...records.values()].sort((a, b) => (a.region.id < b.region.id ? -1 : 1)) }
}

function fromFile(region: Region, known: FleetRecord | undefined, now: number): FleetRecord {
  const registeredAt = known?.registeredAt ?? now
  return { region, source: 'file', revision: 0, registeredAt, ...(known?.drain && { drain: known.drain }) }
}
