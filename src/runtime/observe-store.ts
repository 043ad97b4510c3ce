/** What is wrong with the store, as metrics and lines of the log: worth a line is when that begins and when it ends. */

import type { Logger } from 'pino'
import { logged } from '../errors.ts'
import type { Metrics } from '../observe/metrics.ts'

export interface StoreObserver {
  /** A reading. @param writeFault `FleetState.writeFault` */
  read(writeFault: string | undefined): void
  /** It could not be read. */
  away(error: unknown): void
}

/** @param isThere whether it was read at the start */
export function observeStore(metrics: Metrics, log: Logger, isThere: boolean): StoreObserver {
  let takesWrites = true
  return {
    read(writeFault) {
      if (!isThere) log.info('the fleet can be read again')
      isThere = true
      if (writeFault !== undefined && takesWrites)
        log.error(`${writeFault}: registrations and heartbeats are refused, no lease lapses`)
      if (writeFault === undefined && !takesWrites) log.info('the store takes writes again')
      takesWrites = writeFault === undefined
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
