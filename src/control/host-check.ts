/**
 * Whether a request means this router: its Host (RFC 9110 §7.2) must be one that the operator knows.
 *
 * A web page whose own name is made to resolve to this machine (DNS rebinding) is of one origin with this API as far as a
 * browser can tell; only the Host gives it away.
 */

import type { FastifyRequest } from 'fastify'
import { isLoopback } from '../config/loopback.ts'
import { MeridianError } from '../errors.ts'
import { formatAddress, isMapped, parseAddress, unfold } from '../geo/address.ts'
import { shown } from '../schema.ts'

/** @param hosts `control.hosts`: names, `*.example.com`, addresses; beside loopback and the address that was connected to */
export function createHostCheck(hosts: readonly string[]): (request: FastifyRequest) => void {
  const names = new Set(hosts.map(host => canonical(host)))
  const suffixes = hosts.filter(host => host.startsWith('*.')).map(host => host.slice(1))
  return ({ raw: { rawHeaders, httpVersion, socket, url = '' } }) => {
    // A URL there would count instead of the Host (RFC 9112 §3.2.2); only proxies are asked that way.
    if (!url.startsWith('/') && url !== '*') {
      throw new MeridianError('REQUEST_INVALID', `${shown(url)} is not a path that starts with /`)
    }
    const fields = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === 'host')
    // Only HTTP/1.0 knows requests without it, and no browser sends such.
    if (fields.length === 0 && httpVersion === '1.0') return
    if (fields.length !== 1) throw new MeridianError('REQUEST_INVALID', 'expected exactly one Host header field')
    const host = hostIn(fields[0]!)
    if (host !== undefined) {
      if (host === 'localhost' || isLoopback(host) || names.has(host)) return
      if (host === canonical(socket.localAddress ?? '')) return
      if (suffixes.some(suffix => host.endsWith(suffix) && host.length > suffix.length)) return
    }
    const mend = 'control.hosts has to list the names by which the control API is called'
    throw new MeridianError('HOST_REFUSED', `this is no router of ${shown(fields[0])} (${mend})`)
  }
}

/** Host without port, in lower case, addresses in their canonical spelling; undefined for what is no host. */
function hostIn(field: string): string | undefined {
  const [, literal, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?$/i.exec(field) ?? []
  if (literal !== undefined) return parseAddress(literal) && canonical(literal)
  return name === undefined ? undefined : canonical(name.toLowerCase())
}

/** A dual-stack socket reports an IPv4 peer as mapped: that is the address that people write. */
function canonical(host: string): string {
  const address = parseAddress(host)
  if (address === undefined) return host
  return formatAddress(isMapped(address) ? unfold(address) : address)
}
