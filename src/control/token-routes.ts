/** Tokens made while the fleet runs: shown once when they are made, afterwards known by their hash alone. */

import { createHash } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { RegionGlob } from '../config/schema.ts'
import { MeridianError } from '../errors.ts'
import type { StoredToken } from '../regions/token-store.ts'
import { type Right, rights } from '../regions/token-store.ts'
import { checker, shown } from '../schema.ts'
import { type Callers, expiryOf } from './callers.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { checkBody } from './request-checker.ts'
import { answer, answers, asInput, emptyAnswer } from './schemas.ts'

const tags = ['tokens']
const strict = { additionalProperties: false }
/** The one in use and the one that replaces it. */
const validPerName = 2

const Rights = Type.Unsafe<Right[]>(
  Type.Array(Type.String({ enum: [...rights] }), { minItems: 1, uniqueItems: true, default: [...rights] }),
)
const Regions = Type.Array(RegionGlob, { minItems: 1, maxItems: 64, uniqueItems: true, default: ['*'] })

const TokenBody = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9._-]{1,63}$', expected: 'a name: 1 to 63 letters, digits, dots, - or _' }),
    rights: Rights,
    regions: Regions,
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 * 366 * 86_400 })),
  },
  strict,
)
const checkToken = checker(TokenBody)

const TokenView = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'To revoke it by; a token of the configuration has none' })),
    sha256Start: Type.Optional(
      Type.String({ description: 'First 12 digits of the hash of a token of the configuration, to tell it by' }),
    ),
    name: Type.String(),
    rights: Rights,
    regions: Regions,
    source: Type.Unsafe<'store' | 'configuration'>(Type.String({ enum: ['store', 'configuration'] })),
    createdAt: Type.Optional(Type.Number({ description: 'Milliseconds since 1970' })),
    expiresAt: Type.Optional(Type.Number({ description: 'Milliseconds since 1970; absent: never' })),
    expired: Type.Boolean(),
  },
  strict,
)
export type TokenView = Static<typeof TokenView>

const NewToken = Type.Object({ token: Type.String({ description: 'Shown this once' }), entry: TokenView }, strict)
export type NewToken = Static<typeof NewToken>

export function tokenRoutes(app: ControlServer, dependencies: ControlDependencies, callers: Callers): void {
  addList(app, dependencies, callers)
  addCreate(app, dependencies, callers)
  addRevoke(app, dependencies, callers)
}

function addList(app: ControlServer, dependencies: ControlDependencies, callers: Callers): void {
  app.get(
    '/v1/tokens',
    {
      config: { right: 'operator', fleetWide: true },
      schema: {
        tags,
        summary: 'All tokens, without what would let anybody use them',
        response: answers({ 200: answer('By name', Type.Object({ tokens: Type.Array(TokenView) })) }),
      },
    },
    async () => ({ tokens: await listTokens(dependencies, callers) }),
  )
}

function addCreate(app: ControlServer, dependencies: ControlDependencies, callers: Callers): void {
  const { store, clock, randomBytes } = dependencies
  app.post(
    '/v1/tokens',
    {
      config: { right: 'operator', fleetWide: true, action: 'create-token' },
      schema: {
        tags,
        summary: 'Makes a token',
        description: `At most ${validPerName} of one name are valid at a time: one in use, and one to replace it.`,
        body: asInput(TokenBody),
        response: answers({ 201: answer('The token', NewToken) }),
      },
    },
    async (request, reply) => {
      const { expiresInSeconds, ...terms } = checkBody(checkToken, request.body, 'REQUEST_INVALID')
      const valid = (await listTokens(dependencies, callers)).filter(
        ({ name, expired }) => name === terms.name && !expired,
      )
      if (valid.length >= validPerName) throw tokenExists(terms.name, valid)
      const token = `mrd_${randomBytes(32).toString('base64url')}`
      const now = Math.round(clock.now())
      const stored: StoredToken = {
        id: randomBytes(6).toString('hex'),
        ...terms,
        sha256: createHash('sha256').update(token).digest('hex'),
        createdAt: now,
        ...(expiresInSeconds !== undefined && { expiresAt: now + expiresInSeconds * 1000 }),
      }
      await store.tokens.add(stored)
      const entry = viewStored(stored, now)
      request.change = { after: entry }
      await callers.reload()
      return reply.code(201).send({ token, entry })
    },
  )
}

function addRevoke(app: ControlServer, dependencies: ControlDependencies, callers: Callers): void {
  const { store, clock } = dependencies
  app.delete(
    '/v1/tokens/:id',
    {
      config: { right: 'operator', fleetWide: true, action: 'revoke-token' },
      schema: {
        tags,
        summary: 'Ends a token, everywhere within a second',
        params: Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }, strict),
        response: answers({ 204: emptyAnswer('Revoked') }),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const token = (await store.tokens.list()).find(stored => stored.id === id)
      if (token === undefined || !(await store.tokens.revoke(id))) throw noSuchToken(id)
      request.change = { before: viewStored(token, clock.now()) }
      await callers.reload()
      return reply.code(204).send()
    },
  )
}

async function listTokens({ store, clock }: ControlDependencies, callers: Callers): Promise<TokenView[]> {
  const now = clock.now()
  const configured = callers.configured.map(({ name, sha256, rights, regions, expires }): TokenView => {
    const expiresAt = expiryOf(expires)
    const ends = expires === undefined ? {} : { expiresAt }
    const sha256Start = sha256.slice(0, 12)
    return { sha256Start, name, rights, regions, source: 'configuration', ...ends, expired: expiresAt <= now }
  })
  return [...configured, ...(await store.tokens.list()).map(token => viewStored(token, now))]
}

function viewStored({ sha256: _, ...token }: StoredToken, now: number): TokenView {
  return { ...token, source: 'store', expired: token.expiresAt !== undefined && token.expiresAt <= now }
}

function tokenExists(name: string, valid: readonly TokenView[]): MeridianError {
  const ids = valid.flatMap(({ id }) => id ?? [])
  const mend = ids.length > 0 ? `revoke ${ids.join(' or ')} first` : 'take one out of control.tokens first'
  return new MeridianError('TOKEN_EXISTS', `${shown(name)} has ${valid.length} valid tokens: ${mend}`)
}

function noSuchToken(id: string): MeridianError {
  return new MeridianError(
    'TOKEN_NOT_FOUND',
    `there is no token with the id ${shown(id)}; one of control.tokens ends by being taken out of there`,
  )
}
