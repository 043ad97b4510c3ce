/**
 * Asks the control API of a running router, and words what can go wrong on the way for whoever typed the command.
 *
 * Problem documents come back as the errors that they were on the other side, so that exit codes are the same.
 */

import { Client } from 'undici'
import { type ErrorCode, errorCatalogue, MeridianError, type Problem } from '../errors.ts'
import type { ControlOptions } from './control-options.ts'
import { readControlTls } from './control-tls.ts'

/** Where and as whom. */
export type ControlConnection = Pick<ControlOptions, 'control' | 'token' | 'ca' | 'clientCert' | 'clientKey'>

export interface ControlRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Below the base URL, with its query: `v1/regions`. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
  /** A key that the answer has: whatever lacks it was not written by a control API. Absent: an answer without a body. */
  readonly answerKey?: string
  /** An answer without a body will do, too. */
  readonly orNothing?: boolean
}

/** A router that takes longer than this to answer a question about memory is not well. */
const timeoutMs = 10_000

/** What only the data plane answers with: it took the question for a client's request. */
const clientPortCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['NO_REGION', 'REGION_UNREACHABLE', 'REGION_TIMEOUT', 'LOOP_DETECTED'] as const),
])

/**
 * The JSON that the API answers with; undefined for an answer without a body.
 *
 * @throws MeridianError CONTROL_UNREACHABLE, or the error that the API answered with
 */
export async function askControl(options: ControlConnection, wanted: ControlRequest): Promise<unknown> {
  const { control } = options
  const { method = 'GET', path, headers, body, answerKey, orNothing = answerKey === undefined } = wanted
  const url = new URL(path, control.href.replace(/\/*$/, '/'))
  const client = new Client(url.origin, { connect: { ...readControlTls(options) } })
  const fail = (cause: unknown): never => {
    throw unreachable(control, inWords(cause), cause)
  }
  try {
    const { statusCode, body: answer } = await client
      .request({
        path: url.pathname + url.search,
        method,
        headers: {
          ...headers,
          ...(options.token !== undefined && { authorization: `Bearer ${options.token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      })
      .catch(fail)
    const text = await answer.text().catch(fail)
    const value = parseJson(text)
    if (orNothing && statusCode === 204) return undefined
    if (statusCode < 300 && answerKey !== undefined && Object.hasOwn(Object(value), answerKey)) return value
    const isOfClientPort = isProblem(value) && clientPortCodes.has(value.code)
    if (isProblem(value) && !isOfClientPort) throw toError(value)
    const what = isOfClientPort ? 'the port for clients' : 'what answers there'
    throw unreachable(control, `${what} (status ${statusCode}) is not the control API`)
  } finally {
    await client.close()
  }
}

function unreachable({ href }: URL, reason: string, cause?: unknown): MeridianError {
  return new MeridianError(
    'CONTROL_UNREACHABLE',
    `no router answers at ${href.replace(/\/$/, '')} (${reason}): start one with "meridian serve" or "meridian demo", or name its control API with --control or MERIDIAN_CONTROL_URL`,
    { cause },
  )
}

function inWords(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException
  if (name === 'TimeoutError') return `nothing came for ${timeoutMs / 1000} s`
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return 'it does not speak TLS; write http://'
  }
  return code === 'ECONNREFUSED' ? 'connection refused' : message || String(code)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isProblem(value: unknown): value is Problem {
  const { code, detail } = (value ?? {}) as Partial<Problem>
  return typeof code === 'string' && code in errorCatalogue && typeof detail === 'string'
}

function toError({ code, detail, faults = [] }: Problem): MeridianError {
  const isAboutTokens = code === 'TOKEN_MISSING' || code === 'TOKEN_UNKNOWN'
  const hint = isAboutTokens
    ? ' (here: --token or MERIDIAN_TOKEN)'
    : code === 'REGION_KEPT'
      ? '; --force does it until the agent registers again'
      : ''
  const message = `${detail}${hint}`
  return new MeridianError(code, message, { faults })
}
