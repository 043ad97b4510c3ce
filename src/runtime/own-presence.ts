/** What there is to know of this router: for its own guard against connecting to itself, and for the others of its fleet. */

import { hostname, networkInterfaces } from 'node:os'
import type { RouterListener, RouterPresence } from '../regions/router-presence.ts'

export interface OwnPresence extends RouterPresence {
  /** To be told of every listener as it is bound. */
  readonly listeners: RouterListener[]
}

/**
 * Its addresses are those that the machine has when they are asked for.
 *
 * @param id `router.id`
 */
export function createOwnPresence(id: string): OwnPresence {
  return {
    id,
    machine: hostname(),
    startedAt: Date.now(),
    listeners: [],
    get addresses() {
      return Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address))
    },
  }
}
