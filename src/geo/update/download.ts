/**
 * Fetches one file from MaxMind's download service: basic authentication, a conditional request, redirects to a storage
 * host (dev.maxmind.com/geoip/updating-databases).
 *
 * The license key goes to the origin that the operator configured and nowhere else; it is in no error, and neither is the
 * signed URL of a redirect. A server that falls silent, or trickles, is given up.
 */

import type { Clock } from '../../clock.ts'
import { DownloadError } from './download-error.ts'

/** The global `fetch`, as much of it as is used. */
export type Fetch = (
  url: URL,
  init: { readonly headers: Record<string, string>; readonly redirect: 'manual'; readonly signal: AbortSignal },
) => Promise<Response>

export interface MaxmindAccount {
  readonly accountId: string
  readonly licenseKey: string
  /** Base URL of the service, without a slash at its end. */
  readonly url: string
}

export interface DownloadTimeouts {
  /** Longest silence, ms. */
  readonly stallMs: number
  /** Longest time for one file, ms. */
  readonly totalMs: number
}

export interface DownloadOptions extends DownloadTimeouts {
  readonly fetch: Fetch
  readonly clock: Clock
  /** Asks for the file only if it is newer than this (RFC 9110 §13.1.3). */
  readonly ifModifiedSince?: Date | undefined
  /** Breaks the download off. */
  readonly signal?: AbortSignal | undefined
}

export interface Download {
  readonly host: string
  readonly lastModified: Date | undefined
  /** To be read to its end, or cancelled. */
  readonly chunks: AsyncIterable<Uint8Array>
  cancel(): void
}

const maxRedirects = 5

/**
 * Resolves once the head of the answer is there; undefined, where that was asked for: not modified since.
 *
 * @param path with query, below the account's URL
 * @throws DownloadError GEO_UPDATE_FAILED, GEO_UPDATE_REFUSED; reading the chunks throws it, too
 */
export async function download(
  account: MaxmindAccount,
  path: string,
  options: DownloadOptions,
): Promise<Download | undefined> {
  const watchdog = new Watchdog(options)
  try {
    const { response, url } = await followRedirects(account, new URL(account.url + path), options, watchdog)
    const lastModified = dateOf(response.headers.get('last-modified'))
    // A server may not know conditional requests; what it says of the file's age is as good.
    const isKnown = options.ifModifiedSince !== undefined && lastModified !== undefined
    if (response.status === 304 || (isKnown && lastModified <= options.ifModifiedSince)) {
      watchdog.abort()
      return undefined
    }
    return {
      host: url.host,
      lastModified,
      chunks: read(response, url.host, watchdog),
      cancel: () => watchdog.abort(),
    }
  } catch (error) {
    watchdog.abort()
    throw error
  }
}

async function followRedirects(account: MaxmindAccount, start: URL, options: DownloadOptions, watchdog: Watchdog) {
  const { ifModifiedSince } = options
  const credentials = Buffer.from(`${account.accountId}:${account.licenseKey}`).toString('base64')
  let url = start
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const isOurs = url.origin === start.origin
    const headers = {
      'accept-encoding': 'identity',
      ...(isOurs && { authorization: `Basic ${credentials}` }),
      ...(ifModifiedSince !== undefined && { 'if-modified-since': ifModifiedSince.toUTCString() }),
    }
    watchdog.host = url.host
    const response = await options
      .fetch(url, { headers, redirect: 'manual', signal: watchdog.signal })
      .catch(error => Promise.reject(transportFault(error, 'cannot be reached', url.host)))
    watchdog.touch()
    const isUnchanged = response.status === 304 && ifModifiedSince !== undefined
    if (response.status === 200 || isUnchanged) return { response, url }
    if (![301, 302, 303, 307, 308].includes(response.status)) throw refusal(response, url.host, isOurs, account)
    await response.body?.cancel()
    url = nextUrl(response.headers.get('location'), url)
  }
  throw failure(`${start.host} redirects more than ${maxRedirects} times`)
}

function nextUrl(location: string | null, from: URL): URL {
  const next = URL.parse(location ?? '', from.href)
  if (location === null || next === null) throw failure(`${from.host} redirects to nowhere`)
  // What was asked for in secret is not fetched in the open.
  if (next.protocol !== 'https:' && next.protocol !== from.protocol) {
    throw failure(`${from.host} redirects to ${next.protocol}//${next.host}; expected https`)
  }
  return next
}

function refusal({ status, headers }: Response, host: string, isOurs: boolean, { accountId }: MaxmindAccount) {
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), headers.get('date'))
  if (isOurs && status === 401) {
    const mend = 'check geo.update.accountId and geo.update.licenseKey'
    return new DownloadError(
      'GEO_UPDATE_REFUSED',
      `${host} does not take the license key of account ${accountId}: ${mend}`,
      {
        retryable: false,
      },
    )
  }
  if (isOurs && status === 403) {
    const mend = 'check its subscriptions, and that the license key may download databases'
    return new DownloadError('GEO_UPDATE_REFUSED', `${host} does not let account ${accountId} download this: ${mend}`, {
      retryable: false,
    })
  }
  if (isOurs && status === 404) {
    return failure(`${host} knows nothing of this name: check geo.update.editions and geo.update.url`)
  }
  const wait = retryAfterMs === undefined ? '' : `, and asks to wait ${Math.ceil(retryAfterMs / 1000)} s`
  if (status === 429) {
    return new DownloadError(
      'GEO_UPDATE_FAILED',
      `${host} says that account ${accountId} has downloaded too often${wait}`,
      {
        retryable: true,
        retryAfterMs,
      },
    )
  }
  // A signed URL of the storage host expires: the next try gets another one.
  const retryable = status >= 500 || !isOurs
  return new DownloadError('GEO_UPDATE_FAILED', `${host} answers with status ${status}${wait}`, {
    retryable,
    retryAfterMs,
  })
}

/** What a timer can hold, and longer than any server means. */
const longestWaitMs = 7 * 24 * 3_600_000

/** Milliseconds of a Retry-After (RFC 9110 §10.2.3), at most a week; a date counts from the server's own `Date`. */
export function parseRetryAfter(text: string | null, serverDate: string | null): number | undefined {
  if (text === null) return undefined
  if (/^\d{1,9}$/.test(text.trim())) return Math.min(longestWaitMs, Number(text) * 1000)
  const at = dateOf(text)
  const now = dateOf(serverDate)
  if (at === undefined || now === undefined) return undefined
  return Math.min(longestWaitMs, Math.max(0, at.getTime() - now.getTime()))
}

async function* read(response: Response, host: string, watchdog: Watchdog): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of response.body ?? []) {
      watchdog.touch()
      yield chunk
    }
  } catch (error) {
    throw transportFault(error, 'broke off', host)
  } finally {
    watchdog.abort()
  }
}

/** Ends a request that nothing comes of. */
class Watchdog {
  readonly #controller = new AbortController()
  readonly #options: DownloadOptions
  readonly #cancelTotal: () => void
  #cancelStall = (): void => {}
  host = ''

  constructor(options: DownloadOptions) {
    this.#options = options
    this.#cancelTotal = options.clock.after(options.totalMs, () =>
      this.#give(`is not done after ${options.totalMs / 1000} s`),
    )
    this.touch()
  }

  get signal(): AbortSignal {
    const { signal } = this.#options
    return signal === undefined ? this.#controller.signal : AbortSignal.any([signal, this.#controller.signal])
  }

  /** Something has come. */
  touch(): void {
    this.#cancelStall()
    const { clock, stallMs } = this.#options
    this.#cancelStall = clock.after(stallMs, () => this.#give(`has been silent for ${stallMs / 1000} s`))
  }

  /** Lets go of the connection and of the timers; without effect on what has been read to its end. */
  abort(): void {
    this.#cancelStall()
    this.#cancelTotal()
    this.#controller.abort()
  }

  #give(what: string): void {
    this.#controller.abort(new DownloadError('GEO_UPDATE_FAILED', `${this.host} ${what}`, { retryable: true }))
  }
}

function failure(message: string): DownloadError {
  return new DownloadError('GEO_UPDATE_FAILED', message, { retryable: false })
}

/** The transport's own errors are not passed on: they may hold the request. */
function transportFault(error: unknown, what: string, host: string): DownloadError {
  if (error instanceof DownloadError) return error
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined
  const reason = cause?.code ?? cause?.message ?? (error as Error).message
  return new DownloadError('GEO_UPDATE_FAILED', `${host} ${what}: ${reason}`, { retryable: true })
}

function dateOf(text: string | null): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
