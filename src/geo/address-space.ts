/**
 * How much of the IPv4 address space lies in each cell: the only weight of clients that a database has by itself.
 *
 * Not how many clients there are: an address may stand for a household or a country's carrier. Enough to see whom a change
 * would move.
 */

import { ClientAddress } from './address.ts'
import type { Locator, Pin } from './location.ts'

export interface AddressCounts {
  /** IPv4 addresses by cell, without pinned ones; cell 0 is what nothing is known of, most of it reserved. */
  readonly cells: Float64Array
  /** Those that an override pins to a region, by cell and pin. */
  readonly pinned: readonly PinnedAddresses[]
}

export interface PinnedAddresses {
  readonly cell: number
  readonly pin: Pin
  readonly addresses: number
}

/** Walks the whole IPv4 space from one network with a single answer to the next: about a second for the embedded database. */
export function countAddresses(locator: Locator): AddressCounts {
  const cells = new Float64Array(locator.cells.length)
  const pinned = new Map<string, PinnedAddresses>()
  for (let start = 0; start < 2 ** 32; ) {
    const address = new ClientAddress(4, start)
    const size = 2 ** (32 - locator.prefixLength(address))
    const cell = locator.cellOf(locator.locationNumber(address))
    const index = locator.pinIndex(address)
    const pin = locator.pins[index]
    if (pin === undefined) cells[cell] = cells[cell]! + size
    else {
      const key = `${cell} ${index}`
      pinned.set(key, { cell, pin, addresses: (pinned.get(key)?.addresses ?? 0) + size })
    }
    start += size
  }
  return { cells, pinned: [...pinned.values()] }
}
