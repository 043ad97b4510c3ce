/** One HTTP request that cannot hang, cannot grow without bound and does not follow redirects to somebody else. */

import type { Clock } from '../clock.ts'

export type Fetch = typeof globalThis.fetch

export interface BoundedFetchOptions {
  readonly fetch: Fetch
  readonly clock: Clock
  /** For the whole exchange, the body included. */
  readonly timeoutMs: number
  /** Of the body; 0: it is not looked at. */
  readonly limitBytes: number
}

export interface BoundedAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** @throws Error whose message says in plain words what went wrong */
export async function fetchBounded(
  url: URL,
  init: RequestInit,
  { fetch, clock, timeoutMs, limitBytes }: BoundedFetchOptions,
): Promise<BoundedAnswer> {
  const ending = new AbortController()
  const cancelTimeout = clock.after(timeoutMs, () => ending.abort(new Error(`no answer within ${timeoutMs / 1000} s`)))
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal: ending.signal })
    const { status, headers, body } = response
    return { status, headers, text: await readAtMost(body, limitBytes) }
  } catch (cause) {
    throw new Error(inWords(cause), { cause })
  } finally {
    cancelTimeout()
  }
}

async function readAtMost(body: ReadableStream<Uint8Array> | null, limitBytes: number): Promise<string> {
  if (body === null) return ''
  if (limitBytes === 0) {
    await body.cancel()
    return ''
  }
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let bytes = 0
  let text = ''
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > limitBytes) throw new Error(`the answer is longer than ${Math.round(limitBytes / 1024)} KiB`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

const wordsByCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  UND_ERR_SOCKET: 'connection closed without a full answer',
  ENOTFOUND: 'name not found',
  EAI_AGAIN: 'name lookup failed for now',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  UND_ERR_CONNECT_TIMEOUT: 'connect timeout',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'the answer is not UTF-8',
}

/** What `fetch` rejects with says no more than "fetch failed": the cause below it does. */
function inWords(error: unknown): string {
  const { cause, code, message } = error as { cause?: unknown; code?: string; message?: string }
  const known = wordsByCode[code ?? '']
  if (known !== undefined) return known
  if (cause instanceof Error) return inWords(cause)
  return message || code || 'failed'
}
