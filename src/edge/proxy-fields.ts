/**
 * Header fields on their way through a proxied exchange (RFC 9110 §7.6): what ends at this router, what it adds.
 *
 * What is said of the client (X-Forwarded-*, Forwarded) is written anew from what trusted proxies said; nothing that an
 * untrusted peer put there passes. The origin gets its own name as Host; the one asked for is in X-Forwarded-Host.
 */

import { type ClientAddress, formatAddress } from '../geo/address.ts'
import type { ClientIdentity } from './client-address.ts'
import { type EdgeRequest, type Fields, listOf } from './exchange.ts'

/** Meridian's name in Via; the same on every router, so that each recognises requests that passed through another. */
const viaName = 'meridian'
const hopsField = 'x-meridian-hops'

/** Fields of one connection only, whether or not Connection names them (RFC 9110 §7.6.1). */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** What the router says itself, or has answered itself: Host and Expect. */
const replacedInRequests: ReadonlySet<string> = new Set([
  'host',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-original-forwarded-for',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-request-id',
  hopsField,
])

const replacedInAnswers: ReadonlySet<string> = new Set(['x-meridian-region', 'x-request-id'])

/** What the router knows of a request and tells the origin. */
export interface ForwardedFacts {
  readonly client: ClientIdentity
  readonly requestId: string
  /** Host field or authority as the client wrote it. */
  readonly authority: string
  /** Name of the client-address header in use: read here, never passed on. */
  readonly clientAddressHeader?: string | undefined
}

export function originRequestFields(request: EdgeRequest, facts: ForwardedFacts): string[] {
  const dropped = droppedBy(request.field('connection'))
  const addressHeader = facts.clientAddressHeader?.replaceAll('_', '-')
  const fields = filterFields(
    request.fields,
    name => dropped.has(name) || replacedInRequests.has(name) || name === addressHeader,
  )
  if (listOf(request.field('te')).includes('trailers')) fields.push('te', 'trailers')
  const { proto, host } = askedOutside(request, facts)
  fields.push(
    ...['via', `${request.httpVersion} ${viaName}`],
    ...['x-forwarded-for', facts.client.chain.map(formatAddress).join(', ')],
    ...['x-forwarded-proto', proto, ...(host === '' ? [] : ['x-forwarded-host', host])],
    ...['forwarded', forwardedField(facts.client.chain, proto, host)],
    ...['x-request-id', facts.requestId, hopsField, String(hopsOf(request) + 1)],
  )
  return fields
}

/**
 * @param added fields of the router's own: its region and request id, CORS
 * @param ownsCors the rule speaks of CORS, so that what the origin says of it is dropped
 */
export function clientAnswerFields(fields: Fields, status: number, added: Fields, ownsCors: boolean): string[] {
  const dropped = droppedBy(joinedValue(fields, 'connection'))
  const kept = filterFields(
    fields,
    name =>
      dropped.has(name) ||
      replacedInAnswers.has(name) ||
      (ownsCors && name.startsWith('access-control-')) ||
      // A 204 has no content, and Node would send the length all the same (RFC 9110 §8.6).
      (status === 204 && name === 'content-length'),
  )
  kept.push('Via', `1.1 ${viaName}`, ...added)
  return kept
}

/** Trailer fields that may follow an answer: nothing that frames or routes it (RFC 9110 §6.5.1). */
export function clientTrailers(trailers: Fields): string[] {
  const framing = /^(?:content-(?:length|encoding|type|range)|host|cache-control|set-cookie|authorization)$/
  return filterFields(trailers, name => hopByHop.has(name) || framing.test(name))
}

/** Meridian routers that the request has passed through already, by its hop count or by its Via, whichever says more. */
export function hopsOf(request: EdgeRequest): number {
  const counted = request.field(hopsField)
  const hops = counted !== undefined && /^\d{1,6}$/.test(counted) ? Number(counted) : 0
  const via = request.field('via')
  if (via === undefined) return hops
  return Math.max(hops, listOf(via).filter(entry => entry.split(/\s+/)[1] === viaName).length)
}

function droppedBy(connection: string | undefined): ReadonlySet<string> {
  const named = listOf(connection).filter(name => name !== 'close' && !hopByHop.has(name))
  return named.length === 0 ? hopByHop : new Set([...hopByHop, ...named])
}

/** Copies fields but for those dropped, which are asked for in lower case and with `-` for `_`. */
function filterFields(fields: Fields, isDropped: (name: string) => boolean): string[] {
  const kept: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    // Many servers take x_forwarded_for for X-Forwarded-For.
    if (!isDropped(fields[i]!.toLowerCase().replaceAll('_', '-'))) kept.push(fields[i]!, fields[i + 1]!)
  }
  return kept
}

/** All lines of a field, joined. */
function joinedValue(fields: Fields, name: string): string | undefined {
  const lines: string[] = []
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.toLowerCase() === name) lines.push(fields[i + 1]!)
  return lines.length > 0 ? lines.join(', ') : undefined
}

/** What the client asked of the outermost proxy that is trusted: told in the field that tells of the client's address. */
function askedOutside(request: EdgeRequest, { client, authority, clientAddressHeader }: ForwardedFacts) {
  const trusted = (name: string) => (client.peerTrusted ? request.field(name) : undefined)
  const { proto, host } =
    clientAddressHeader === 'forwarded'
      ? (client.asked ?? {})
      : { proto: trusted('x-forwarded-proto'), host: trusted('x-forwarded-host') }
  return {
    proto: proto !== undefined && /^https?$/.test(proto) ? proto : request.scheme,
    host: host !== undefined && /^[\w.:[\]~-]{1,300}$/.test(host) ? host : authority,
  }
}

/** RFC 7239: one element for each hop; the last one also says what was asked of this router. */
function forwardedField(chain: readonly ClientAddress[], proto: string, host: string): string {
  const hops = chain.map(address =>
    address.family === 4 ? `for=${formatAddress(address)}` : `for="[${formatAddress(address)}]"`,
  )
  const quotedHost = host === '' ? [] : [`host="${host}"`]
  return [hops.join(', '), ...quotedHost, `proto=${proto}`].join(';')
}
