/**
 * Which endpoints a region may register: a registration sends other people's clients there, and this router as well.
 *
 * Region files are the operator's own word and are not held against this list. What is checked here is the literal address
 * or name; where a name leads is checked whenever this router connects (`endpoint-guard.ts`).
 */

import { MeridianError } from '../errors.ts'
import { type ClientAddress, isMapped, parseAddress, unfold } from '../geo/address.ts'
import { type Network, networkContains, parseNetwork } from '../geo/network.ts'
import { type Checked, type Fault, formatFault, shown } from '../schema.ts'
import { hostOf, isHostName } from './endpoint-url.ts'
import { isNeverEndpoint } from './never-endpoint.ts'
import type { Region } from './region.ts'

export interface AllowedEndpoints {
  /** What it was read from; another list once it has changed. */
  readonly patterns: readonly string[]
  /**
   * IPv4 inside IPv6 (`::ffff:10.0.0.1`) is judged as the IPv4 address that a socket would connect to. Never link-local,
   * multicast or the like, however wide the networks on the list are.
   */
  allowsAddress(address: ClientAddress): boolean
  /** An address (without brackets) or a host name in lower case. */
  allowsHost(host: string): boolean
}

/**
 * Reads `control.allowedEndpoints`: networks (`10.0.0.0/8`, `::1`), host names, or `*.example.com` for every name below.
 * An empty list allows nothing.
 */
export function parseAllowedEndpoints(patterns: readonly string[]): Checked<AllowedEndpoints> {
  const networks: Network[] = []
  const hosts = new Set<string>()
  const suffixes: string[] = []
  const faults: Fault[] = []
  patterns.forEach((pattern, index) => {
    const network = parseNetwork(pattern)
    if (network.ok) networks.push(network.value)
    else if (isHostName(pattern)) hosts.add(pattern)
    else if (pattern.startsWith('*.') && isHostName(pattern.slice(2))) suffixes.push(pattern.slice(1))
    else faults.push({ path: `[${index}]`, message: patternFault(pattern, network.faults) })
  })
  if (faults.length > 0) return { ok: false, faults }

  const allowsAddress = (address: ClientAddress): boolean => {
    const connected = isMapped(address) ? unfold(address) : address
    return !isNeverEndpoint(connected) && networks.some(network => networkContains(network, connected))
  }
  const allowsHost = (host: string): boolean => {
    const address = parseAddress(host)
    if (address !== undefined) return allowsAddress(address)
    return hosts.has(host) || suffixes.some(suffix => host.endsWith(suffix) && host.length > suffix.length)
  }
  return { ok: true, value: { patterns, allowsAddress, allowsHost } }
}

/** One list for everybody who asks, which can be replaced while they hold it. */
export interface ReplaceableEndpoints extends AllowedEndpoints {
  /** @throws MeridianError CONFIG_INVALID with every fault; the list stays as it was then */
  use(patterns: readonly string[]): void
}

/** @throws MeridianError CONFIG_INVALID with every fault */
export function createAllowedEndpoints(first: readonly string[]): ReplaceableEndpoints {
  let current = requireEndpoints(first)
  return {
    get patterns() {
      return current.patterns
    },
    allowsAddress: address => current.allowsAddress(address),
    allowsHost: host => current.allowsHost(host),
    use(patterns) {
      current = requireEndpoints(patterns)
    },
  }
}

/**
 * Refuses a region with an endpoint outside the allowed ones: URLs, addresses and canonical name alike.
 *
 * @throws MeridianError ENDPOINT_FORBIDDEN with every such endpoint
 */
export function requireAllowedEndpoints({ id, endpoints }: Region, allowed: AllowedEndpoints): void {
  const { publicUrl, originUrl, ipv4 = [], ipv6 = [], cname } = endpoints
  const hosts: readonly (readonly [path: string, host: string])[] = [
    ['endpoints.publicUrl', hostOf(publicUrl)],
    ...(originUrl === undefined ? [] : [['endpoints.originUrl', hostOf(originUrl)] as const]),
    ...ipv4.map((address, index) => [`endpoints.ipv4[${index}]`, address] as const),
    ...ipv6.map((address, index) => [`endpoints.ipv6[${index}]`, address] as const),
    ...(cname === undefined ? [] : [['endpoints.cname', cname] as const]),
  ]
  const faults = hosts
    .filter(([, host]) => !allowed.allowsHost(host))
    .map(([path, host]) => formatFault({ path, message: `${shown(host)} is not among the allowed endpoints` }))
  if (faults.length === 0) return
  const mend = 'control.allowedEndpoints has to name the network or host'
  throw new MeridianError('ENDPOINT_FORBIDDEN', `region ${shown(id)}: ${faults.join('; ')} (${mend})`, { faults })
}

function requireEndpoints(patterns: readonly string[]): AllowedEndpoints {
  const allowed = parseAllowedEndpoints(patterns)
  if (allowed.ok) return allowed.value
  const faults = allowed.faults.map(({ path, message }) =>
    formatFault({ path: `control.allowedEndpoints${path}`, message }),
  )
  throw new MeridianError('CONFIG_INVALID', faults.join('; '), { faults })
}

function patternFault(pattern: string, networkFaults: readonly Fault[]): string {
  // Only what looks like a network is worth the precise words about networks.
  if (pattern.includes('/') && /^[0-9a-f:.]+\//i.test(pattern)) return networkFaults.map(formatFault).join('; ')
  return `expected a network (10.0.0.0/8), a host name in lower case, or *. and a host name, not ${shown(pattern)}`
}
