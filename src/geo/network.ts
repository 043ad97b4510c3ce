/**
 * Networks in CIDR notation (RFC 4632, RFC 4291 §2.3): parsing, printing, containment, and the network that stands for a
 * client.
 */

import type { Checked } from '../schema.ts'
import { shown } from '../schema.ts'
import { bitsOf, ClientAddress, embeddingOf, formatAddress, isMapped, parseAddress, unfold } from './address.ts'

export interface Network {
  /** First address; the bits after the prefix are 0. */
  readonly address: ClientAddress
  readonly prefixLength: number
}

/**
 * Reads `192.0.2.0/24` or `2001:db8::/32`; an address alone is a network of its full length.
 *
 * Host bits after the prefix are a fault that suggests the network meant: `10.0.0.1/8` is more often a slip than a wish.
 */
export function parseNetwork(text: string): Checked<Network> {
  const [addressText, lengthText, ...rest] = text.split('/')
  const address = parseAddress(addressText!)
  if (address === undefined || rest.length > 0) {
    return fault(`expected a network such as 192.0.2.0/24 or 2001:db8::/32, not ${shown(text)}`)
  }
  const bits = bitsOf(address.family)
  if (lengthText === undefined) return { ok: true, value: { address, prefixLength: bits } }
  const prefixLength = /^(?:0|[1-9]\d{0,2})$/.test(lengthText) ? Number(lengthText) : Number.POSITIVE_INFINITY
  if (prefixLength > bits) {
    return fault(`expected a prefix length from 0 to ${bits} after the slash, not ${shown(text)}`)
  }
  const network = networkOf(address, prefixLength)
  if (!networkContains({ address, prefixLength: bits }, network.address)) {
    return fault(`${text} has bits set after its prefix; write ${formatNetwork(network)} or ${formatAddress(address)}`)
  }
  return { ok: true, value: network }
}

function fault(message: string): Checked<Network> {
  return { ok: false, faults: [{ path: '', message }] }
}

export function formatNetwork({ address, prefixLength }: Network): string {
  return `${formatAddress(address)}/${prefixLength}`
}

/** The network of this length around an address. */
export function networkOf({ family, w0, w1, w2, w3 }: ClientAddress, prefixLength: number): Network {
  const address = new ClientAddress(
    family,
    w0 & mask(prefixLength),
    w1 & mask(prefixLength - 32),
    w2 & mask(prefixLength - 64),
    w3 & mask(prefixLength - 96),
  )
  return { address, prefixLength }
}

/** Whether an address of the same family lies in the network; IPv4 and IPv6 never contain each other. */
export function networkContains({ address: first, prefixLength }: Network, address: ClientAddress): boolean {
  return (
    first.family === address.family &&
    ((first.w0 ^ address.w0) & mask(prefixLength)) === 0 &&
    ((first.w1 ^ address.w1) & mask(prefixLength - 32)) === 0 &&
    ((first.w2 ^ address.w2) & mask(prefixLength - 64)) === 0 &&
    ((first.w3 ^ address.w3) & mask(prefixLength - 96)) === 0
  )
}

/** Word with its first `bits` bits set; any number below 0 counts as 0, above 32 as 32. */
function mask(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? -1 : -1 << (32 - bits)
}

/** A network of IPv4-mapped addresses (`::ffff:10.0.0.0/104`) as the IPv4 network it is; any other as it was. */
export function unmapNetwork(network: Network): Network {
  const { address, prefixLength } = network
  if (prefixLength < 96 || !isMapped(address)) return network
  return { address: new ClientAddress(4, address.w3), prefixLength: prefixLength - 96 }
}

/**
 * The network that stands for a client: as wide as its geo answer holds, never narrower than /24 or /48.
 *
 * Never narrower, because a resolver tells no more of a client than that (RFC 7871 §11.1), and the same client has to get
 * the same answer over DNS and HTTP. An IPv4 address inside an IPv6 one is unfolded first: otherwise everybody behind a
 * NAT64 or a dual-stack socket would be one network.
 *
 * @param prefixLength of the answer, in bits of the address as given (`Locator.prefixLength`)
 */
export function clientNetwork(address: ClientAddress, prefixLength: number): Network {
  const inner = unfold(address)
  const length = Math.max(0, prefixLength - embeddingOf(address))
  return networkOf(inner, Math.min(length, inner.family === 4 ? 24 : 48))
}
