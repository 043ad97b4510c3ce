/**
 * Who may do what: bearer tokens (RFC 6750), of which the configuration knows the SHA-256 only.
 *
 * Without any token the API only reads. Beyond loopback reading needs a token, too; what is the same for everybody (health,
 * the API's own documentation) never does.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Right } from '../config/schema.ts'
import { MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'
import type { Access, ControlServer } from './dependencies.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must be allowed to do; absent: everybody may. */
    right?: Right
  }
  interface FastifyRequest {
    /** Name of the caller's token; empty where none was needed. */
    caller: string
  }
}

/** Before any body is read. */
export function installAuthorisation(app: ControlServer, { tokens, openReading }: Access): void {
  const known = tokens.map(token => ({ ...token, digest: Buffer.from(token.sha256, 'hex') }))
  app.decorateRequest('caller', '')
  app.addHook('onRequest', async request => {
    const { right } = request.routeOptions.config
    if (right === undefined || (right === 'read' && openReading)) return
    if (right !== 'read' && known.length === 0) throw writingOff()
    const digest = createHash('sha256').update(bearerToken(request)).digest()
    // All are compared, each in constant time: how long it takes says nothing of which came close.
    const [token] = known.filter(candidate => timingSafeEqual(candidate.digest, digest))
    if (token === undefined)
      throw new MeridianError('TOKEN_UNKNOWN', 'no token of control.tokens is the one that was sent')
    if (!token.rights.includes(right)) {
      throw new MeridianError('TOKEN_REFUSED', `token ${shown(token.name)} does not have the right ${shown(right)}`)
    }
    request.caller = token.name
  })
}

function bearerToken({ headers }: FastifyRequest): string {
  const token = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1]
  if (token !== undefined) return token
  throw new MeridianError('TOKEN_MISSING', 'send a token of control.tokens, as Authorization: Bearer …')
}

function writingOff(): MeridianError {
  return new MeridianError(
    'WRITING_OFF',
    'this router only reads, since control.tokens is empty: add { name, sha256 } of a token there to let its bearer write',
  )
}
