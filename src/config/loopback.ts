/** Which listeners only this machine can reach. */

import { parseAddress } from '../geo/address.ts'
import { networkContains, parseNetwork } from '../geo/network.ts'

const networks = ['127.0.0.0/8', '::1/128'].map(parseNetwork)

/** Whether an address is one of this machine alone; a text that is no address is not. */
export function isLoopback(text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && networks.some(network => network.ok && networkContains(network.value, address))
}
