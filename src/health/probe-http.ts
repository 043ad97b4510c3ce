/**
 * One HTTP probe of a region: asks once, waits so long, and says in words a person understands what came of it.
 *
 * Every probe has a connection of its own, closed afterwards: a connection kept open proves that a region was alive, not
 * that it still takes new ones. Redirects are not followed: the region itself has to answer.
 */

import { Client } from 'undici'
import type { Clock } from '../clock.ts'
import { MeridianError } from '../errors.ts'
import type { GuardedConnections } from '../regions/guarded-connect.ts'
import type { ProbeOutcome } from './probe-state.ts'

export interface ProbeTarget {
  /** Scheme, host and port; an endpoint URL that was checked. */
  readonly origin: string
  readonly path: string
  /** The only status that counts as well. */
  readonly status: number
}

/** Connections are not reused, and there is one timeout for all phases: the client's own are coarse and many. */
const clientOptions: Client.Options = { pipelining: 0, allowH2: false, headersTimeout: 0, bodyTimeout: 0 }

const headers = { 'user-agent': 'meridian-probe' }

/** A health page is small; of a longer answer no more than this is read. */
const bodyLimitBytes = 64 * 1024

/**
 * Probes once. The answer has to be complete (or as long as is read of it) within the timeout.
 *
 * @param signal ends the probe early, with an outcome that means nothing
 * @param connections which connections may be made; absent: any
 * @returns never rejects: whatever goes wrong is the outcome
 */
export async function probeHttp(
  { origin, path, status }: ProbeTarget,
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
  connections?: GuardedConnections,
): Promise<ProbeOutcome> {
  const connect = connections?.connectorFor(origin, timeoutMs) ?? { timeout: timeoutMs }
  const client = new Client(origin, { ...clientOptions, connect })
  const within = `within ${timeoutMs / 1000} s`
  let late = 'connect timeout'
  client.once('connect', () => {
    late = `no answer ${within}`
  })
  // Destroying the client ends a probe in any phase; a signal given to a request waits for the connection first.
  const end = (): Promise<void> => client.destroy(new Error(late))
  const cancelTimeout = clock.after(timeoutMs, end)
  signal.addEventListener('abort', end)
  try {
    const { statusCode, body } = await client.request({ method: 'GET', path, headers })
    // A body that is cut off below ends with an error that nobody waits for.
    body.on('error', () => {})
    if (statusCode !== status) return failed(`answered ${statusCode} instead of ${status}`)
    late = `answered ${statusCode}, but did not end ${within}`
    await readSome(body)
    return { ok: true }
  } catch (error) {
    return failed(inWords(error))
  } finally {
    cancelTimeout()
    signal.removeEventListener('abort', end)
    await client.destroy()
  }
}

async function readSome(body: AsyncIterable<Uint8Array>): Promise<void> {
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes >= bodyLimitBytes) return
  }
}

function failed(reason: string): ProbeOutcome {
  return { ok: false, reason }
}

const wordsByCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  UND_ERR_SOCKET: 'connection closed without a full answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'connection closed without a full answer',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name lookup failed for now',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ETIMEDOUT: 'connect timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connect timeout',
  CERT_HAS_EXPIRED: 'certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is for another host',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate is not trusted',
  UND_ERR_HEADERS_OVERFLOW: 'answer has too many headers',
}

function inWords(error: unknown): string {
  if (error instanceof MeridianError) return error.message
  const { name = '', code = '', message = '' } = error as { name?: string; code?: string; message?: string }
  if (name === 'HTTPParserError') return 'answered something that is not HTTP'
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return 'TLS handshake failed'
  return wordsByCode[code] ?? (code || message.split('\n', 1)[0] || 'failed')
}
