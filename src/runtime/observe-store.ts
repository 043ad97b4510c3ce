/** What is wrong with the store, as metrics and lines of the log: worth a line is when that begins and when it ends. */

import type { Logger } from 'pino'
import { logged } from '../errors.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { FleetState } from '../regions/store.ts'

export interface StoreObserver {
  /** A reading. */
  read(fleet: Pick<FleetState, 'writeFault' | 'evictionFault'>): void
  /** It could not be read. */
  away(error: unknown): void
}

/** @param isThere whether it was read at the start */
export function observeStore(metrics: Metrics, log: Logger, isThere: boolean): StoreObserver {
  let takesWrites = true
  let evictionFault: string | undefined
  return {
    read({ writeFault, ...fleet }) {
      if (!isThere) log.info('the fleet can be read again')
      isThere = true
      if (writeFault !== undefined && takesWrites)
        log.error(`${writeFault}: registrations and heartbeats are refused, no lease lapses`)
      if (writeFault === undefined && !takesWrites) log.info('the store takes writes again')
      takesWrites = writeFault === undefined
      if (fleet.evictionFault !== evictionFault) {
        if (fleet.evictionFault === undefined) log.info('Redis throws no regions away any more')
        else log.warn(fleet.evictionFault)
      }
      evictionFault = fleet.evictionFault
      metrics.useStoreTrouble(takesWrites ? undefined : 'refuses-writes')
    },
    away(error) {
      if (isThere)
        log.error(logged(error), 'the fleet cannot be read: deciding from what was last known, no lease lapses')
      isThere = false
      metrics.useStoreTrouble('unreadable')
    },
  }
}
