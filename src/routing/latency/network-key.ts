/** Names of nodes as words: client networks (/24 or /48), cells, and areas. */

import { ClientAddress, embeddedIpv4, embeddingOf, formatAddress, notEmbedded } from '../../geo/address.ts'
import type { Cell } from '../../geo/location.ts'
import type { Network } from '../../geo/network.ts'
import type { NodeKey } from './latency-table.ts'

/** The client network of an address: its /24 or /48; IPv4 inside IPv6 is unfolded. */
export function networkKey(address: ClientAddress): NodeKey {
  if (address.family === 4) return [address.w0 & 0xffffff00, 0, 4]
  if (embeddingOf(address) !== notEmbedded) return [embeddedIpv4(address) & 0xffffff00, 0, 4]
  return [address.w0, address.w1 & 0xffff0000, 6]
}

/** First address of such a network. */
export function addressOfKey([k0, k1, k2]: NodeKey): ClientAddress {
  return k2 === 4 ? new ClientAddress(4, k0) : new ClientAddress(6, k0, k1)
}

/** `192.0.2.0/24`. */
export function textOfKey(key: NodeKey): string {
  return `${formatAddress(addressOfKey(key))}/${key[2] === 4 ? 24 : 48}`
}

/** Whether a network is no wider than what stands for one client. */
export function isClientNetwork({ address, prefixLength }: Network): boolean {
  return prefixLength >= (address.family === 4 ? 24 : 48)
}

export function cellKey({ coordinates, country }: Cell): NodeKey {
  const { latitude, longitude } = coordinates!
  return [(latitude + 90) * 1000 + longitude + 180, countryWord(country), 1]
}

/** @param asn 0: all of the country */
export function areaKey(country: string | undefined, asn: number): NodeKey {
  return [asn | 0, countryWord(country), 2]
}

/** Of two letters; 0 where not known. */
function countryWord(country: string | undefined): number {
  return country === undefined ? 0 : country.charCodeAt(0) * 256 + country.charCodeAt(1)
}
