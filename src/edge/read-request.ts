/** What a request asks for, checked before anything is decided. */

import { MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'
import type { EdgeRequest } from './exchange.ts'
import { hopsOf } from './proxy-fields.ts'
import { parseHost, parseRequestTarget, type RequestTarget } from './request-target.ts'

export interface Asked {
  readonly target: RequestTarget
  /** Lower case, without port; empty where an HTTP/1.0 client named none. */
  readonly host: string
  /** Host and port as the client wrote them. */
  readonly authority: string
}

export interface RequestLimits {
  readonly maxUrlBytes: number
  readonly maxHops: number
}

/** @returns the error to answer with where the request cannot be served: 400, 414 or 508 */
export function readRequest(request: EdgeRequest, limits: RequestLimits): Asked | MeridianError {
  if (request.target.length > limits.maxUrlBytes) {
    return new MeridianError(
      'URL_TOO_LONG',
      `The URL has ${request.target.length} bytes; expected at most ${limits.maxUrlBytes}.`,
    )
  }
  const target = parseRequestTarget(request.target)
  if (target === undefined || (target.form === 'asterisk' && request.method !== 'OPTIONS')) {
    return invalid(`The request target is ${shown(request.target)}; expected a path that starts with /.`)
  }
  if (countOf(request, 'host') > 1) return invalid('There is more than one Host field; expected one.')
  const hostField = request.field('host')
  if (hostField === undefined && request.httpVersion !== '1.0') {
    return invalid('There is no Host field; HTTP/1.1 asks for one.')
  }
  const authority = target.authority ?? hostField ?? ''
  const host = parseHost(authority)
  if (host === undefined) return invalid(`The host is ${shown(authority)}; expected a host name and optional port.`)
  const hops = hopsOf(request)
  if (hops > limits.maxHops) {
    return new MeridianError(
      'LOOP_DETECTED',
      `The request has passed through ${hops} Meridian routers; expected at most ${limits.maxHops}. ` +
        'Look for a region whose origin URL leads back to a router.',
    )
  }
  return { target, host, authority }
}

function invalid(message: string): MeridianError {
  return new MeridianError('REQUEST_INVALID', message)
}

function countOf({ fields }: EdgeRequest, name: string): number {
  let count = 0
  for (let i = 0; i < fields.length; i += 2) if (fields[i]!.toLowerCase() === name) count++
  return count
}
