/**
 * Cross-origin requests (CORS, Fetch standard §3.2) for rules that say `cors`: such a rule speaks for its regions, so the
 * router answers preflights itself and sets the fields of every answer, a proxied one included.
 */

import type { Cors } from '../config/rule.ts'
import { type Answer, emptyAnswer } from './answer.ts'
import type { EdgeRequest, Fields } from './exchange.ts'

/** A preflight's Access-Control-Request-Method; undefined where the request is none. */
export function preflightMethod(request: EdgeRequest): string | undefined {
  if (request.method !== 'OPTIONS' || request.field('origin') === undefined) return undefined
  return request.field('access-control-request-method')
}

/**
 * The answer to a preflight, to which `corsFields` come as to any other: without their Access-Control-Allow-Origin, which
 * a foreign origin does not get, a browser takes the rest for a no.
 */
export function preflightAnswer(cors: Cors): Answer {
  return emptyAnswer(204, [
    ...['Access-Control-Allow-Methods', cors.methods.join(', ')],
    ...(cors.headers.length > 0 ? ['Access-Control-Allow-Headers', cors.headers.join(', ')] : []),
    ...['Access-Control-Max-Age', String(cors.maxAgeSeconds)],
    ...['Vary', 'Access-Control-Request-Method, Access-Control-Request-Headers'],
  ])
}

/** Fields of every answer of a rule; `Vary` wherever another origin would get other fields. */
export function corsFields(cors: Cors | undefined, origin: string | undefined): Fields {
  if (cors === undefined) return []
  const allowed = allowOrigin(cors, origin)
  const exposed =
    allowed.length > 0 && cors.exposedHeaders.length > 0
      ? ['Access-Control-Expose-Headers', cors.exposedHeaders.join(', ')]
      : []
  return [...allowed, ...exposed, ...(anyOrigin(cors) ? [] : ['Vary', 'Origin'])]
}

function allowOrigin(cors: Cors, origin: string | undefined): string[] {
  if (origin !== undefined && cors.origins.includes(origin)) {
    const credentials = cors.credentials ? ['Access-Control-Allow-Credentials', 'true'] : []
    return ['Access-Control-Allow-Origin', origin, ...credentials]
  }
  // Never with credentials: that would let every site act in the name of its visitors.
  return cors.origins.includes('*') ? ['Access-Control-Allow-Origin', '*'] : []
}

function anyOrigin({ origins }: Cors): boolean {
  return origins.length === 1 && origins[0] === '*'
}
