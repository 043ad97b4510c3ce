/**
 * Who is calling: the bearer of a token (RFC 6750) or of a client certificate, and what they may do.
 *
 * Tokens come from the configuration and from the store, where only their SHA-256 is known. Those of the store are kept here
 * and read again whenever one changes, and once a second: no call waits for the store to be let in, and a token that is
 * revoked elsewhere is refused within that second.
 */

import { createHash, timingSafeEqual } from 'node:crypto'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Token } from '../config/config.ts'
import type { RegionStore } from '../regions/store.ts'
import type { Right, StoredToken } from '../regions/token-store.ts'
import type { Access } from './dependencies.ts'
import { compileGlobs } from './region-globs.ts'

export interface Caller {
  readonly name: string
  /** Tells callers of one name apart. */
  readonly key: string
  readonly rights: readonly Right[]
  /** Whether the caller may speak of a region. */
  mayTouch(region: string): boolean
  /** Whether the caller may speak of all regions, and so of what concerns the whole fleet. */
  readonly isFleetWide: boolean
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

export interface Callers {
  /** Undefined where nobody known has called. Someone whose time is over is known all the same. */
  identify(request: FastifyRequest): Caller | undefined
  /** Whether the caller would still be let in, and may still do all that it could. */
  isValid(caller: Caller): boolean
  /** Whether there is anybody who could be let in. */
  readonly any: boolean
  /** Why the store's tokens have not been read even once, so that nobody can tell who is a stranger; undefined: they have. */
  readonly unread: Error | undefined
  /** The tokens of the configuration. */
  readonly configured: readonly Token[]
  /** Other tokens of the configuration and certificates from now on. */
  use(access: Access): void
  /** Takes the store's tokens anew. Rejects when the store cannot be read: those known stay. */
  reload(): Promise<void>
  close(): void
}

const reloadEveryMs = 1_000

interface KnownToken {
  readonly digest: Buffer
  readonly caller: Caller
}

type CallerTerms = { readonly rights: readonly Right[]; readonly regions: readonly string[] }

/** Begins with the configuration's tokens; `reload()` brings those of the store. */
export function createCallers(first: Access, store: CallerStore, clock: Clock): Callers {
  let { configured, tokens, certificates, byConnection } = configuredCallers(first)
  let stored: readonly KnownToken[] | undefined
  let unread: Error | undefined
  const reload = async (): Promise<void> => {
    try {
      stored = (await store.tokens.list()).map(storedToken)
      unread = undefined
    } catch (error) {
      if (stored === undefined) unread = error as Error
      throw error
    }
  }
  // The store says elsewhere when it cannot be reached; the tokens that are known serve on.
  const reloadQuietly = () => reload().catch(() => {})
  const stopWatching = store.watch(({ kind }) => {
    if (kind === 'tokens') void reloadQuietly()
  })
  let closed = false
  let cancel = (): void => {}
  const reloadLater = (): void => {
    if (!closed) cancel = clock.after(reloadEveryMs, () => void reloadQuietly().finally(reloadLater))
  }
  reloadLater()

  return {
    identify(request) {
      const token = bearerToken(request)
      if (token === undefined) return certificateCaller(request, certificates, byConnection)
      const digest = createHash('sha256').update(token).digest()
      // All are compared, each in constant time: how long it takes says nothing of which came close.
      return [...tokens, ...(stored ?? [])].filter(candidate => timingSafeEqual(candidate.digest, digest))[0]?.caller
    },
    isValid(caller) {
      if (caller.expiresAt <= clock.now()) return false
      const all = [...certificates.values(), ...[...tokens, ...(stored ?? [])].map(entry => entry.caller)]
      const present = all.find(({ key }) => key === caller.key)
      return present !== undefined && caller.rights.every(right => present.rights.includes(right))
    },
    get any() {
      return tokens.length + (stored?.length ?? 0) + certificates.size > 0
    },
    get unread() {
      return unread
    },
    get configured() {
      return configured
    },
    use(access) {
      ;({ configured, tokens, certificates, byConnection } = configuredCallers(access))
    },
    reload,
    close() {
      closed = true
      cancel()
      stopWatching()
    },
  }
}

/** Who the configuration lets in. What was found out about connections goes by it, and is forgotten with it. */
function configuredCallers({ tokens, certificates = [] }: Access) {
  return {
    configured: tokens,
    tokens: tokens.map(token =>
      known(token.sha256, callerOf(`token/${token.sha256}`, token.name, token, expiryOf(token.expires))),
    ),
    certificates: new Map(
      certificates.map(entry => [
        entry.subject,
        callerOf(`certificate/${entry.subject}`, entry.subject, entry, Number.POSITIVE_INFINITY),
      ]),
    ),
    byConnection: new WeakMap<TLSSocket, Caller | undefined>(),
  }
}

type CallerStore = Pick<RegionStore, 'tokens' | 'watch'>

/** The token of the Authorization field; undefined where there is none, or none of that form. */
export function bearerToken({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1]
}

function callerOf(key: string, name: string, { rights, regions }: CallerTerms, expiresAt: number): Caller {
  return { key, name, rights, mayTouch: compileGlobs(regions), isFleetWide: regions.includes('*'), expiresAt }
}

function storedToken(token: StoredToken): KnownToken {
  const expiresAt = token.expiresAt ?? Number.POSITIVE_INFINITY
  return known(token.sha256, callerOf(`token/${token.sha256}`, token.name, token, expiresAt))
}

function known(sha256: string, caller: Caller): KnownToken {
  return { digest: Buffer.from(sha256, 'hex'), caller }
}

/** The end of the day for a date alone. */
export function expiryOf(date: string | undefined): number {
  if (date === undefined) return Number.POSITIVE_INFINITY
  return date.includes('T') ? Date.parse(date) : Date.parse(date) + 86_400_000
}

function certificateCaller(
  { raw: { socket } }: FastifyRequest,
  certificates: ReadonlyMap<string, Caller>,
  known: WeakMap<TLSSocket, Caller | undefined>,
): Caller | undefined {
  if (certificates.size === 0 || !(socket instanceof TLSSocket) || !socket.authorized) return undefined
  if (!known.has(socket)) {
    const certificate = socket.getPeerCertificate()
    const caller = namesIn(certificate).flatMap(name => certificates.get(name) ?? [])[0]
    known.set(socket, caller && { ...caller, expiresAt: Date.parse(certificate.valid_to) })
  }
  return known.get(socket)
}

/** Common name and alternative names. A connection without a certificate has neither. */
function namesIn({ subject, subjectaltname }: Partial<PeerCertificate>): string[] {
  const alternatives = [
    ...(subjectaltname ?? '').matchAll(/(?:^|, )(?:DNS|URI|email|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g),
  ]
  return [
    ...alternatives.map(([, name]) => (name!.startsWith('"') ? String(JSON.parse(name!)) : name!)),
    ...[subject?.CN ?? []].flat(),
  ]
}
