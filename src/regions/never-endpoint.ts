/** Addresses where no region ever is, whatever an operator's list says: a wide network on it is not meant to include them. */

import { type ClientAddress, embeddingOf, notEmbedded, unfold } from '../geo/address.ts'
import { type Network, networkContains, parseNetwork } from '../geo/network.ts'

/** Unspecified, link-local (with it the metadata services of most clouds), multicast and broadcast. */
const never = ['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '255.255.255.255', '::', 'fe80::/10', 'ff00::/8']
/** Metadata services elsewhere: Amazon's over IPv6, Alibaba's, Oracle's, and Azure's wire server. */
const metadata = ['fd00:ec2::254', 'fd20:ce::254', '100.100.100.200', '192.0.0.192', '168.63.129.16']

const networks = [...never, ...metadata].flatMap((text): Network[] => {
  const network = parseNetwork(text)
  return network.ok ? [network.value] : []
})

/** An IPv4 address hidden in an IPv6 one (mapped, NAT64, 6to4, Teredo) counts as well. */
export function isNeverEndpoint(address: ClientAddress): boolean {
  const isNever = (each: ClientAddress) => networks.some(network => networkContains(network, each))
  return isNever(address) || (embeddingOf(address) !== notEmbedded && isNever(unfold(address)))
}
