/**
 * Where the fleet's Redis is, for the guard against regions that lead there: names are looked up again and again, as they
 * may come to lead elsewhere, and a name that cannot be looked up leads where it last did.
 */

import type { Clock } from '../clock.ts'
import { type ClientAddress, parseAddress } from '../geo/address.ts'
import type { EndpointGuard } from '../regions/endpoint-guard.ts'
import type { LookUpAll } from '../regions/guarded-connect.ts'
import type { RedisNode } from '../regions/redis-connection.ts'
import { repeat } from './system-clock.ts'

export interface StorePlacesOptions {
  /** As far as is known by now; asked once a second. */
  readonly nodes: () => readonly RedisNode[]
  readonly guard: Pick<EndpointGuard, 'keepOff'>
  readonly lookUp: LookUpAll
  readonly clock: Clock
}

const everyMs = 1_000
const lookUpEveryMs = 10_000

/** What names led to, by name; the time is of when that was last asked. */
type Known = Map<string, { readonly askedAt: number; readonly addresses: readonly ClientAddress[] }>

/** Tells the guard at once what needs no look-up, and the rest as it is found; the function returned stops that. */
export function guardStore({ nodes, guard, lookUp, clock }: StorePlacesOptions): () => void {
  const known: Known = new Map()
  let stopped = false
  const tell = (): void => {
    const places = nodes().map(({ host, port }) => {
      const name = host.toLowerCase().replace(/\.$/, '')
      const address = parseAddress(name)
      return { host: name, port, addresses: address === undefined ? (known.get(name)?.addresses ?? []) : [address] }
    })
    guard.keepOff(places)
    for (const { host } of places) ask(host)
  }
  const ask = (host: string): void => {
    const before = known.get(host)
    if (parseAddress(host) !== undefined || clock.now() - (before?.askedAt ?? -lookUpEveryMs) < lookUpEveryMs) return
    known.set(host, { askedAt: clock.now(), addresses: before?.addresses ?? [] })
    lookUp(host, { all: true }, (error, found) => {
      if (stopped || error !== null) return
      const addresses = found.flatMap(({ address }) => parseAddress(address.split('%', 1)[0]!) ?? [])
      known.set(host, { askedAt: clock.now(), addresses })
      tell()
    })
  }
  tell()
  const stop = repeat(clock, everyMs, tell)
  return () => {
    stopped = true
    stop()
  }
}
