/**
 * Who is asking: the peer on the socket, or whom trusted proxies in front of this router say they speak for.
 *
 * One header is read, and only as far as it was written by trusted proxies: from the right, each hop is believed as long
 * as the one after it is trusted. Whatever stands further left may be an invention of the client.
 */

import { type ClientAddress, parseAddress } from '../geo/address.ts'

export interface ClientAddressSettings {
  /** Proxies whose word is believed; `createNetworkSet` makes one. */
  readonly trustedProxies: { contains(address: ClientAddress): boolean }
  /** The one header that is read, in lower case: a list of addresses, or `forwarded` (RFC 7239). Absent: none is. */
  readonly header?: string | undefined
}

export interface ClientIdentity {
  readonly address: ClientAddress
  /** The client, then the trusted proxies that the request came through; the last is the peer on the socket. */
  readonly chain: readonly ClientAddress[]
  readonly peerTrusted: boolean
  /** What the outermost trusted proxy says it was asked, where the header is `forwarded`. */
  readonly asked?: { readonly proto?: string | undefined; readonly host?: string | undefined }
}

/** @param headerValue value of the configured header, several lines joined by commas */
export function identifyClient(
  settings: ClientAddressSettings,
  peer: ClientAddress,
  headerValue: string | undefined,
): ClientIdentity {
  const peerTrusted = settings.trustedProxies.contains(peer)
  if (!peerTrusted || headerValue === undefined) return { address: peer, chain: [peer], peerTrusted }
  const hops = settings.header === 'forwarded' ? forwardedHops(headerValue) : listedHops(headerValue)
  const towardsClient = [peer]
  let outermost: Hop | undefined
  for (const hop of hops.reverse()) {
    outermost = hop
    const address = parseHop(hop.for)
    if (address === undefined) break
    towardsClient.push(address)
    if (!settings.trustedProxies.contains(address)) break
  }
  const identity = { address: towardsClient.at(-1)!, chain: towardsClient.reverse(), peerTrusted }
  return outermost === undefined ? identity : { ...identity, asked: { proto: outermost.proto, host: outermost.host } }
}

/** What one proxy says of the request that it took. */
interface Hop {
  /** Who asked it; '' where it does not say. */
  readonly for: string
  readonly proto?: string | undefined
  readonly host?: string | undefined
}

/** Address of a socket's peer. A dual-stack socket shows IPv4 peers as mapped addresses: those are IPv4. */
export function parsePeer(text: string): ClientAddress | undefined {
  if (text.startsWith('::ffff:') && text.includes('.')) return parseAddress(text.slice(7))
  const zone = text.indexOf('%')
  return parseAddress(zone === -1 ? text : text.slice(0, zone))
}

const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/
const withPort = /^([\d.]+):\d{1,5}$/

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`. */
function parseHop(hop: string): ClientAddress | undefined {
  const text = hop.trim()
  return parseAddress(bracketed.exec(text)?.[1] ?? withPort.exec(text)?.[1] ?? text)
}

/** Elements of a list; empty ones are nothing (RFC 9110 §5.6.1). */
function listedHops(value: string): Hop[] {
  return value
    .split(',')
    .filter(element => element.trim() !== '')
    .map(element => ({ for: element }))
}

const pair = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^\s",;]+)[ \t]*(;|,|$)/y

/**
 * The elements of a Forwarded field (RFC 7239 §4).
 *
 * A field that breaks the grammar anywhere says nothing at all: behind an open quote, what a proxy appended cannot be told
 * from what a client made up.
 */
function forwardedHops(value: string): Hop[] {
  const hops: Hop[] = []
  let parameters = new Map<string, string>()
  pair.lastIndex = 0
  while (pair.lastIndex < value.length) {
    const match = pair.exec(value)
    if (match === null) return []
    const [, name, text, end] = match
    const key = name!.toLowerCase()
    if (parameters.has(key)) return []
    parameters.set(key, text!.startsWith('"') ? text!.slice(1, -1).replace(/\\(.)/g, '$1') : text!)
    if (end !== ';') {
      hops.push({ for: parameters.get('for') ?? '', proto: parameters.get('proto'), host: parameters.get('host') })
      parameters = new Map()
    }
  }
  return hops
}
