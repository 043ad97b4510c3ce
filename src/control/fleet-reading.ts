/**
 * The fleet for whoever looks: what the store says now, so that a heartbeat is seen at once, or, while the store cannot be
 * read, what decisions go by all the same, marked as old.
 */

import Type, { type Static } from 'typebox'
import type { Clock } from '../clock.ts'
import { MeridianError } from '../errors.ts'
import type { FleetState, RegionStore } from '../regions/store.ts'
import { isOfStore } from './outage-log.ts'

/** The fleet that the present snapshot was made from. */
export interface KnownFleet {
  readonly fleet: FleetState
  /** When the store was last read, on this router's clock; undefined: not since it started. */
  readonly readAt: number | undefined
}

/** Properties of an answer; none of them while the store can be read. */
export const staleness = {
  stale: Type.Optional(
    Type.Literal(true, {
      description: 'Only while the shared store cannot be read: this is what was last known, and what decisions go by',
    }),
  ),
  ageMs: Type.Optional(
    Type.Number({
      description:
        'Beside stale: how long ago the store was read, which every other age is as of; absent where this router ' +
        'has not read it since it started',
    }),
  ),
}
const Staleness = Type.Object(staleness)
export type Staleness = Static<typeof Staleness>

/** Where the fleet is read. */
export interface FleetReader {
  readonly store: RegionStore
  readonly knownFleet?: () => KnownFleet | undefined
  readonly clock: Clock
}

/** @throws MeridianError STORE_UNAVAILABLE, STORE_UNSUITABLE where nothing is known either */
export async function readFleet({ store, knownFleet, clock }: FleetReader): Promise<{
  readonly fleet: FleetState
  readonly staleness: Staleness
}> {
  try {
    return { fleet: await store.read(), staleness: {} }
  } catch (error) {
    const known = knownFleet?.()
    if (known === undefined || !(error instanceof MeridianError) || !isOfStore(error.code)) throw error
    const { fleet, readAt } = known
    const age = readAt === undefined ? {} : { ageMs: Math.max(0, Math.round(clock.now() - readAt)) }
    return { fleet, staleness: { stale: true, ...age } }
  }
}
