/**
 * Where this router may connect to, judged by the address itself: after every look-up of a name, and for every literal.
 *
 * A region is somebody else's word: its name may be made to resolve to the metadata service of a cloud, to this router's
 * own listeners, to a neighbour's admin port or to their Redis. So an allowed *name* leads only to public addresses, and to others where
 * `control.allowedEndpoints` names their network. Knows neither sockets nor DNS.
 */

import { type ClientAddress, formatAddress, isMapped, parseAddress, unfold } from '../geo/address.ts'
import { type Network, networkContains, parseNetwork } from '../geo/network.ts'
import { shown } from '../schema.ts'
import type { AllowedEndpoints } from './allowed-endpoints.ts'
import { hostOf } from './endpoint-url.ts'
import { isNeverEndpoint } from './never-endpoint.ts'
import { originUrlOf, type Region } from './region.ts'
import type { RouterPresence } from './router-presence.ts'

/** Where a router listens, as far as it matters here. */
export type RouterPlace = Pick<RouterPresence, 'machine' | 'addresses'> & {
  /** As really bound. */
  readonly listeners: readonly { readonly address: string; readonly port: number }[]
}

/** A server of the fleet's Redis: itself, a Sentinel, or a node of a Cluster. */
export interface StorePlace {
  /** As it is known, in lower case: a name, or an address without brackets. */
  readonly host: string
  readonly port: number
  /** Where the name leads. */
  readonly addresses: readonly ClientAddress[]
}

export interface EndpointGuard {
  /** Why this router may not connect there for an origin, in words; undefined when it may. */
  refusalOf(origin: string, address: ClientAddress): string | undefined
  /** Which part of the fleet a URL leads to by its literal address or name, in words; undefined: to none that is known. */
  partAt(url: string): string | undefined
  /** The other routers of the fleet: nobody's regions either. */
  meet(others: readonly (RouterPlace & Pick<RouterPresence, 'id'>)[]): void
  /** Where the fleet's Redis is: nobody's region, on whichever address of a machine it is called. */
  keepOff(places: readonly StorePlace[]): void
  /** The regions that the operator declared: where their origins lead is not held against the list. */
  trust(regions: readonly Region[]): void
}

export interface EndpointGuardOptions {
  readonly allowed: AllowedEndpoints
  /** This router, as it is now. */
  readonly own: () => RouterPlace
}

export function createEndpointGuard({ allowed, own }: EndpointGuardOptions): EndpointGuard {
  let trusted: ReadonlySet<string> = new Set()
  let neighbours: Parameters<EndpointGuard['meet']>[0] = []
  let stores: readonly StorePlace[] = []
  const isHere = (address: ClientAddress): boolean =>
    isUnspecified(address) || isLoopback(address) || own().addresses.includes(formatAddress(address))
  const isStore = (host: string, address: ClientAddress | undefined, port: number): boolean =>
    stores.some(store => {
      if (store.port !== port) return false
      if (store.host === host || address === undefined) return store.host === host
      const text = formatAddress(address)
      // On this machine it may listen on more addresses than the one that it is known by.
      return store.addresses.some(each => formatAddress(each) === text || (isHere(each) && isHere(address)))
    })
  const routerOn = (address: ClientAddress, port: number): string | undefined => {
    const here = own()
    if (listensOn(here, here.machine, address, port)) return 'this router itself'
    const neighbour = neighbours.find(each => listensOn(each, here.machine, address, port))
    return neighbour && `router ${shown(neighbour.id)} of this fleet`
  }
  const partOn = (host: string, address: ClientAddress | undefined, port: number): string | undefined => {
    const router = address && routerOn(address, port)
    if (router !== undefined) return router
    return isStore(host, address, port) ? 'the Redis of this fleet' : undefined
  }
  return {
    refusalOf(origin, connected) {
      const address = plain(connected)
      const text = formatAddress(address)
      const part = partOn(hostOf(origin), address, portOf(origin))
      if (part !== undefined) return `${text} port ${portOf(origin)} is ${part}`
      if (trusted.has(origin)) return undefined
      if (isNeverEndpoint(address)) return `${text} is an address where no region can be`
      if (allowed.allowsAddress(address)) return undefined
      const isLiteral = parseAddress(hostOf(origin)) !== undefined
      if (!isLiteral && isPublic(address)) return undefined
      return `${text} is not in a network of control.allowedEndpoints`
    },
    partAt(url) {
      const host = hostOf(url)
      const address = parseAddress(host === 'localhost' ? '127.0.0.1' : host)
      return partOn(host, address && plain(address), portOf(url))
    },
    meet(others) {
      neighbours = others
    },
    keepOff(places) {
      stores = places.map(place => ({ ...place, addresses: place.addresses.map(plain) }))
    },
    trust(regions) {
      trusted = new Set(regions.map(originUrlOf))
    },
  }
}

/** @param here the machine that would connect: only there is its loopback the router's */
function listensOn(
  { machine, listeners, addresses }: RouterPlace,
  here: string,
  address: ClientAddress,
  port: number,
): boolean {
  const isLocal = isUnspecified(address) || isLoopback(address)
  if (isLocal && machine !== here) return false
  const text = formatAddress(address)
  return listeners.some(listener => {
    if (listener.port !== port) return false
    const bound = plain(parseAddress(listener.address)!)
    if (!isUnspecified(bound)) return formatAddress(bound) === text
    return isLocal || addresses.includes(text)
  })
}

/** A mapped address is the IPv4 address that a socket would connect to. */
function plain(address: ClientAddress): ClientAddress {
  return isMapped(address) ? unfold(address) : address
}

function portOf(origin: string): number {
  const { port, protocol } = new URL(origin)
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}

const networks = (texts: readonly string[]): Network[] =>
  texts.map(text => {
    const network = parseNetwork(text)
    if (!network.ok) throw new Error(`${text} is no network`)
    return network.value
  })

const loopback = networks(['127.0.0.0/8', '::1'])
const unspecified = networks(['0.0.0.0', '::'])

/** IPv4 that is not globally reachable (IANA special-purpose address registry, RFC 6890), and multicast. */
const specialIpv4 = networks([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
])
const globalIpv6 = networks(['2000::/3'])
/** Within it what is not: among them the tunnels Teredo and 6to4, which would hide an IPv4 address. */
const specialIpv6 = networks(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'])
const nat64 = networks(['64:ff9b::/96'])

/** Whether an address is somebody's on the internet: nothing that means something else on every network. */
export function isPublic(address: ClientAddress): boolean {
  if (address.family === 4) return !liesIn(specialIpv4, address)
  if (liesIn(nat64, address)) return isPublic(unfold(address))
  return liesIn(globalIpv6, address) && !liesIn(specialIpv6, address)
}

function isLoopback(address: ClientAddress): boolean {
  return liesIn(loopback, address)
}

function isUnspecified(address: ClientAddress): boolean {
  return liesIn(unspecified, address)
}

function liesIn(list: readonly Network[], address: ClientAddress): boolean {
  return list.some(network => networkContains(network, address))
}
