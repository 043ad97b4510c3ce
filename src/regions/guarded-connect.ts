/**
 * Connections to regions that go to exactly the address that was checked: a name is looked up once, what may not be
 * connected to is left out, and the socket gets the addresses that remain. No second look-up can answer otherwise.
 */

import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { MeridianError } from '../errors.ts'
import { parseAddress } from '../geo/address.ts'
import { shown } from '../schema.ts'
import type { EndpointGuard } from './endpoint-guard.ts'
import { hostOf } from './endpoint-url.ts'

/** `dns.lookup`, as far as it is used: always for all addresses. */
export type LookUpAll = (
  host: string,
  options: LookupOptions & { readonly all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

export interface GuardedConnections {
  /** Connects to one origin; for undici's `connect` option. */
  connectorFor(origin: string, timeoutMs: number): buildConnector.connector
}

export function guardConnections(guard: EndpointGuard, lookUp: LookUpAll): GuardedConnections {
  return {
    connectorFor(origin, timeoutMs) {
      const connect = buildConnector({
        timeout: timeoutMs,
        allowH2: false,
        lookup: guardedLookup(origin, guard, lookUp),
      })
      const literal = parseAddress(hostOf(origin))
      return (options, callback) => {
        // A literal is never looked up, so the socket would not ask.
        const reason = literal && guard.refusalOf(origin, literal)
        if (reason === undefined) connect(options, callback)
        else queueMicrotask(() => callback(refusal(origin, reason), null))
      }
    },
  }
}

/** For `net.connect`: the addresses of a name that may be connected to. */
export function guardedLookup(origin: string, guard: EndpointGuard, lookUp: LookUpAll): LookupFunction {
  return (host, options, callback) => {
    lookUp(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '')
      const refusals: string[] = []
      const allowed = addresses.filter(({ address }) => {
        const parsed = parseAddress(address.split('%', 1)[0]!)
        const reason = parsed === undefined ? `${address} is no address` : guard.refusalOf(origin, parsed)
        if (reason !== undefined) refusals.push(reason)
        return reason === undefined
      })
      const [first] = allowed
      if (first === undefined) return callback(refusal(origin, refusals.join('; ') || 'it has no address'), '')
      if (options.all) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

function refusal(origin: string, reason: string): MeridianError {
  return new MeridianError('ENDPOINT_FORBIDDEN', `${shown(hostOf(origin))} may not be connected to: ${reason}`)
}
