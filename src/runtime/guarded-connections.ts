/** Which connections this router may make to regions: its own listeners, interfaces and DNS put to the guard's rules. */

import { lookup } from 'node:dns'
import type { Config } from '../config/config.ts'
import { createAllowedEndpoints, type ReplaceableEndpoints } from '../regions/allowed-endpoints.ts'
import { createEndpointGuard, type EndpointGuard } from '../regions/endpoint-guard.ts'
import { type GuardedConnections, guardConnections } from '../regions/guarded-connect.ts'
import type { FleetState } from '../regions/store.ts'
import { createOwnPresence, type OwnPresence } from './own-presence.ts'

export interface Guarded {
  /** The one list for everybody, to be replaced when the configuration changes. */
  readonly allowed: ReplaceableEndpoints
  readonly guard: EndpointGuard
  readonly connections: GuardedConnections
  readonly own: OwnPresence
}

/** @throws MeridianError CONFIG_INVALID */
export function createGuarded({ control, router }: Config): Guarded {
  const allowed = createAllowedEndpoints(control.allowedEndpoints)
  const own = createOwnPresence(router.id)
  const guard = createEndpointGuard({ allowed, own: () => own })
  return { allowed, guard, connections: guardConnections(guard, lookup), own }
}

/** Trusts the regions that files declare, and knows the other routers; for every fleet that is put into use. */
export function guardFleet({ records, routers = [] }: FleetState, guard: EndpointGuard): void {
  guard.trust(records.filter(({ source }) => source === 'file').map(({ region }) => region))
  guard.meet(routers)
}
