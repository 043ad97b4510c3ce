/**
 * How much of the IPv4 address space lies in each cell: the only weight of clients that a database has by itself.
 *
 * Not how many clients there are: an address may stand for a household or a country's carrier. Enough to see whom a change
 * would move.
 */

import { ClientAddress } from './address.ts'
import type { Locator } from './location.ts'

/**
 * IPv4 addresses by cell; cell 0 is what nothing is known of, most of it reserved.
 *
 * Walks the whole space from one network with a single answer to the next: about a second for the embedded database.
 */
export function addressesPerCell(locator: Locator): Float64Array {
  const addresses = new Float64Array(locator.cells.length)
  for (let start = 0; start < 2 ** 32; ) {
    const address = new ClientAddress(4, start)
    const size = 2 ** (32 - locator.prefixLength(address))
    const cell = locator.cellOf(locator.locationNumber(address))
    addresses[cell] = addresses[cell]! + size
    start += size
  }
  return addresses
}
