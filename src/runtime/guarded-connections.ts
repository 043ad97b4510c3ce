/** Which connections this router may make to regions: its own listeners, interfaces and DNS put to the guard's rules. */

import { lookup } from 'node:dns'
import { networkInterfaces } from 'node:os'
import type { Config } from '../config/config.ts'
import { createAllowedEndpoints, type ReplaceableEndpoints } from '../regions/allowed-endpoints.ts'
import { createEndpointGuard, type EndpointGuard, type Listener } from '../regions/endpoint-guard.ts'
import { type GuardedConnections, guardConnections } from '../regions/guarded-connect.ts'
import type { FleetState } from '../regions/store.ts'

export interface Guarded {
  /** The one list for everybody, to be replaced when the configuration changes. */
  readonly allowed: ReplaceableEndpoints
  readonly guard: EndpointGuard
  readonly connections: GuardedConnections
  /** To be told of every listener as it is bound. */
  readonly ownListeners: Listener[]
}

/** @throws MeridianError CONFIG_INVALID */
export function createGuarded({ control }: Config): Guarded {
  const allowed = createAllowedEndpoints(control.allowedEndpoints)
  const ownListeners: Listener[] = []
  const guard = createEndpointGuard({
    allowed,
    ownListeners: () => ownListeners,
    ownAddresses: () => Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address)),
  })
  return { allowed, guard, connections: guardConnections(guard, lookup), ownListeners }
}

/** Trusts the regions that files declare; for every fleet that is put into use. */
export function trustDeclared({ records }: FleetState, guard: EndpointGuard): void {
  guard.trust(records.filter(({ source }) => source === 'file').map(({ region }) => region))
}
