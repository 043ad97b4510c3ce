/**
 * Hosts and URLs of endpoints, in the one spelling that is accepted.
 *
 * An endpoint URL is compared, concatenated with a client's path and put into a `Location` header, so that it has to be
 * exactly scheme, host and port as a URL parser would write them (WHATWG URL, `origin`): nothing to strip, nothing that
 * two parsers read differently.
 */

import { shown } from '../schema.ts'

/** Lower case, no trailing dot; the last label is no number, since URL parsers take such a name for an IPv4 address. */
export const hostNamePattern =
  '^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\\.)*(?![0-9]+$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$'

const hostName = new RegExp(hostNamePattern)

/** A host name as in DNS (RFC 1123, underscores allowed as container names have them); never an address. */
export function isHostName(text: string): boolean {
  return hostName.test(text)
}

/** Host of a valid endpoint URL: a host name, or an address without brackets. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1')
}

/** What is wrong with an endpoint URL, with the mend; undefined when nothing is. */
export function endpointUrlFault(text: string): string | undefined {
  const expected = 'expected scheme, host and optional port (https://fra.example.com)'
  const url = URL.parse(text)
  if (url === null) return `${expected}, not ${shown(text)}`
  // Whoever wrote a password into a URL does not want it in a log.
  if (url.username !== '' || url.password !== '') return `expected no user name or password: write ${shown(url.origin)}`
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `expected an http or https URL, not ${shown(text)}`
  if (url.hostname.endsWith('.')) return `expected a host without a dot at its end, not ${shown(text)}`
  if (!url.hostname.startsWith('[') && !isHostName(url.hostname) && !/^[0-9.]+$/.test(url.hostname))
    return `expected a host name of a-z, 0-9, - and _, not ${shown(url.hostname)}`
  if (url.port === '0') return `expected a port from 1 to 65535, not 0 in ${shown(text)}`
  if (text === url.origin) return undefined
  return `expected ${strayPart(text, url)}, not ${shown(text)}: write ${shown(url.origin)}`
}

function strayPart(text: string, url: URL): string {
  if (url.search !== '' || url.hash !== '') return 'no query or fragment'
  if (url.pathname !== '/') return 'no path'
  if (text === `${url.origin}/`) return 'no slash at the end'
  return 'the usual spelling of a URL'
}
