/**
 * Who may do what, asked before any body is read: Host, rate, right and region, in this order.
 *
 * Without any token the API only reads. Beyond loopback reading needs a token, too; what is the same for everybody (health,
 * the API's own documentation) never does.
 */

import type { FastifyRequest } from 'fastify'
import { MeridianError } from '../errors.ts'
import { formatAddress, isMapped, parseAddress, unfold } from '../geo/address.ts'
import { formatNetwork, networkOf } from '../geo/network.ts'
import type { Right } from '../regions/token-store.ts'
import { shown } from '../schema.ts'
import { bearerToken, type Caller, type Callers } from './callers.ts'
import type { Access, ControlServer } from './dependencies.ts'
import { createHostCheck } from './host-check.ts'
import { createRateLimiter, type RateLimit } from './rate-limit.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must be allowed to do; absent: everybody may. */
    right?: Right
    /** Another right that will do. */
    orRight?: Right
    /** Concerns the whole fleet: a caller for some regions is not enough. */
    fleetWide?: boolean
    /** Whatever Host it is called by: for those who only ask whether it lives. */
    anyHost?: boolean
  }
  interface FastifyRequest {
    /** Undefined where nobody known has called, and nobody had to be. */
    caller: Caller | undefined
  }
}

const defaultRateLimit: RateLimit = { perSecond: 2_000, burst: 4_000 }

export interface Authorisation {
  /** Hosts, rates and open reading from now on; who calls is for the callers to know. */
  use(access: Access): void
}

/** @param now milliseconds since 1970 */
export function installAuthorisation(
  app: ControlServer,
  first: Access,
  callers: Callers,
  now: () => number,
): Authorisation {
  let access = first
  let checkHost = createHostCheck(access.hosts ?? [])
  const waitMs = createRateLimiter(() => access.rateLimit ?? defaultRateLimit, now)
  app.decorateRequest('caller')
  app.addHook('onRequest', async (request, reply) => {
    const { config } = request.routeOptions
    if (config.anyHost !== true) checkHost(request)
    const caller = callers.identify(request)
    const delayMs = waitMs(caller?.key ?? `peer/${peerOf(request)}`)
    if (delayMs > 0) {
      reply.header('retry-after', Math.ceil(delayMs / 1000))
      throw new MeridianError(
        'RATE_LIMITED',
        `${caller === undefined ? 'this client' : shown(caller.name)} asks too often`,
      )
    }
    request.caller = caller
    if (config.right === undefined || (config.right === 'read' && access.openReading)) return
    if (caller === undefined && callers.unread !== undefined && bearerToken(request) !== undefined)
      throw notToBeTold(callers.unread)
    if (config.right !== 'read' && !callers.any) throw writingOff()
    if (caller === undefined) throw nobody(request)
    if (caller.expiresAt <= now()) throw new MeridianError('TOKEN_UNKNOWN', `${shown(caller.name)} has expired`)
    requireRight(caller, config.right, request)
  })
  return {
    use(next) {
      access = next
      checkHost = createHostCheck(access.hosts ?? [])
    },
  }
}

/** Name of a caller for the record: of a route with a right other than `read` there always is one. */
export function callerName({ caller }: FastifyRequest): string {
  return caller?.name ?? ''
}

function requireRight(caller: Caller, right: Right, { params, routeOptions }: FastifyRequest): void {
  const { orRight = right, fleetWide = false } = routeOptions.config
  const refuse = (what: string) => new MeridianError('TOKEN_REFUSED', `token ${shown(caller.name)} ${what}`)
  if (!caller.rights.includes(right) && !caller.rights.includes(orRight))
    throw refuse(`does not have the right ${shown(right)}`)
  // What a token may read is not bounded by regions: whoever decides where to go has to see them all.
  if (right === 'read') return
  if (fleetWide && !caller.isFleetWide) throw refuse('is for some regions only: this concerns the whole fleet')
  const { id } = (params ?? {}) as { readonly id?: string }
  if (!fleetWide && id !== undefined && !caller.mayTouch(id)) throw refuse(`is not for region ${shown(id)}`)
}

/** An IPv6 host can take any address of its /64: they count as one. */
function peerOf({ socket }: FastifyRequest): string {
  const address = parseAddress(socket.remoteAddress?.split('%', 1)[0] ?? '')
  if (address === undefined) return ''
  return isMapped(address) || address.family === 4
    ? formatAddress(unfold(address))
    : formatNetwork(networkOf(address, 64))
}

function nobody(request: FastifyRequest): MeridianError {
  if (bearerToken(request) !== undefined)
    return new MeridianError('TOKEN_UNKNOWN', 'the token that was sent is not known')
  return new MeridianError(
    'TOKEN_MISSING',
    'send a token, as Authorization: Bearer …, or a certificate that control.certificates knows',
  )
}

/** A 401 would tell an agent that its token has been revoked. */
function notToBeTold(cause: Error): MeridianError {
  return new MeridianError('STORE_UNAVAILABLE', `the tokens of the store have not been read yet: ${cause.message}`, {
    cause,
  })
}

function writingOff(): MeridianError {
  return new MeridianError(
    'WRITING_OFF',
    'this router only reads, since control.tokens is empty: add a token there to let its bearer write (meridian tokens create NAME --offline makes the first one)',
  )
}
