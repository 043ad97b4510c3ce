/**
 * The control API as an agent sees it: one or several routers, any of which will do, since all of them write to the same
 * store.
 *
 * Stays with the router that answered last and goes on to the next when that one does not: when it cannot be reached, hangs,
 * fails (5xx), or is no control API at all. An answer that would be the same everywhere, a refusal included, is final.
 */

import type { Clock } from '../clock.ts'
import { type ErrorCode, errorCatalogue, MeridianError } from '../errors.ts'
import { type BoundedAnswer, type Fetch, fetchBounded } from './bounded-fetch.ts'

/** Long enough for a TLS handshake across the world; three routers that hang are tried well within a lease of 10 s. */
const callTimeoutMs = 3_000
const answerLimitBytes = 256 * 1024
/** However long a router asks an agent to wait, its lease does not. */
const longestRetryAfterMs = 60_000

export type Reply =
  | { readonly kind: 'done'; readonly value: unknown }
  /** The API's own word, final until something changes. */
  | { readonly kind: 'refused'; readonly error: MeridianError; readonly retryAfterMs: number }
  | { readonly kind: 'unreachable'; readonly detail: string; readonly retryAfterMs: number }

export interface ControlApiOptions {
  readonly urls: readonly URL[]
  /** Asked before every call, so that a token can be changed while the agent runs. */
  readonly token: () => string | undefined | Promise<string | undefined>
  readonly fetch: Fetch
  readonly clock: Clock
}

export interface ControlApi {
  /** @param path below the base URL: `v1/regions` */
  call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object): Promise<Reply>
  /** The router that is spoken to now. */
  readonly current: URL
}

export function createControlApi({ urls, token, fetch, clock }: ControlApiOptions): ControlApi {
  let current = 0
  const ask = async (base: URL, method: string, path: string, body: object | undefined): Promise<Reply> => {
    const bearer = await token()
    const answer = await fetchBounded(
      new URL(path, base.href.replace(/\/*$/, '/')),
      {
        method,
        headers: {
          'user-agent': 'meridian-agent',
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      },
      { fetch, clock, timeoutMs: callTimeoutMs, limitBytes: answerLimitBytes },
    )
    return understand(answer)
  }
  return {
    get current() {
      return urls[current]!
    },
    async call(method, path, body) {
      const faults: string[] = []
      let retryAfterMs = 0
      for (let step = 0; step < urls.length; step++) {
        const index = (current + step) % urls.length
        const reply = await ask(urls[index]!, method, path, body).catch(unreachable)
        if (reply.kind !== 'unreachable') {
          current = index
          return reply
        }
        faults.push(`${urls[index]!.href}: ${reply.detail}`)
        retryAfterMs = Math.max(retryAfterMs, reply.retryAfterMs)
      }
      return { kind: 'unreachable', detail: faults.join('; '), retryAfterMs }
    },
  }
}

function unreachable(error: Error): Reply {
  return { kind: 'unreachable', detail: error.message, retryAfterMs: 0 }
}

function understand({ status, headers, text }: BoundedAnswer): Reply {
  const value = parseJson(text)
  if (status >= 200 && status < 300 && (status === 204 || isObject(value))) return { kind: 'done', value }
  const retryAfterMs = retryAfter(headers.get('retry-after'))
  if (!isProblem(value)) {
    return { kind: 'unreachable', detail: `what answers there (status ${status}) is not the control API`, retryAfterMs }
  }
  if (status >= 500 || status === 408) return { kind: 'unreachable', detail: value.detail, retryAfterMs }
  return {
    kind: 'refused',
    error: new MeridianError(value.code, value.detail, { faults: value.faults ?? [] }),
    retryAfterMs,
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isProblem(value: unknown): value is { code: ErrorCode; detail: string; faults?: readonly string[] } {
  if (!isObject(value)) return false
  const { code, detail } = value
  return typeof code === 'string' && Object.hasOwn(errorCatalogue, code) && typeof detail === 'string'
}

/** Retry-After in seconds (RFC 9110 §10.2.3); a date would need a clock that both sides share. */
function retryAfter(text: string | null): number {
  return text !== null && /^\d{1,9}$/.test(text) ? Math.min(Number(text) * 1000, longestRetryAfterMs) : 0
}
