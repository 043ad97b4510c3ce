/** Arguments that several commands take. */

import { MeridianError } from '../errors.ts'
import { type ClientAddress, parseAddress } from '../geo/address.ts'

/** @throws MeridianError ADDRESS_INVALID */
export function parseAddressArgument(text: string): ClientAddress {
  const address = parseAddress(text)
  if (address !== undefined) return address
  throw new MeridianError('ADDRESS_INVALID', `expected an IPv4 or IPv6 address, not ${JSON.stringify(text)}`)
}
