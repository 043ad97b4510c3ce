/**
 * A set of networks that are trusted, such as the proxies whose word on a client's address is believed.
 *
 * An IPv4-mapped IPv6 address (`::ffff:127.0.0.1`) counts as the IPv4 address it maps, on both sides: as a member and as
 * an address asked for. It has to: a listener on `::` is dual-stack, and the system reports its IPv4 peers that way, so
 * `127.0.0.0/8` would otherwise trust nobody there, while `::/0` would trust the whole IPv4 internet. This is safe
 * because such an address never comes over the wire (RFC 4291 §2.5.5.2). NAT64, 6to4 and Teredo addresses do, and
 * anybody can make one up: they are never unfolded here.
 */

import { type ClientAddress, isMapped } from './address.ts'
import { mapNetworks } from './address-map.ts'
import { type Network, unmapNetwork } from './network.ts'

export interface NetworkSet {
  contains(address: ClientAddress): boolean
}

export function createNetworkSet(networks: readonly Network[]): NetworkSet {
  const map = mapNetworks(networks.map(network => ({ network: unmapNetwork(network), value: 1 })))
  return {
    contains: address => (isMapped(address) ? map.ipv4.valueOf(address.w3, 0, 0, 0) : map.valueOf(address)) === 1,
  }
}
