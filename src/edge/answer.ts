/** Short answers that the router gives by itself, among them every error as a problem document (RFC 9457). */

import type { MeridianError } from '../errors.ts'
import type { EdgeResponse, Fields } from './exchange.ts'

export interface Answer {
  readonly status: number
  /** Without Content-Length, which `sendAnswer` adds. */
  readonly fields: Fields
  readonly body: string
}

/** An answer without content. */
export function emptyAnswer(status: number, fields: Fields): Answer {
  return { status, fields, body: '' }
}

/** The decision and every error belong to this moment and this client: no cache may keep them. */
export const noStore: Fields = ['Cache-Control', 'no-store']

export function jsonAnswer(status: number, body: unknown, contentType = 'application/json'): Answer {
  return { status, fields: ['Content-Type', contentType, ...noStore], body: `${JSON.stringify(body)}\n` }
}

/** @param requestId names the exchange that it happened to */
export function problemAnswer(error: MeridianError, requestId: string, fields: Fields = []): Answer {
  const problem = error.toProblem(requestId)
  const answer = jsonAnswer(problem.status, problem, 'application/problem+json')
  return { ...answer, fields: [...answer.fields, ...fields] }
}

/** Sends a whole answer; to HEAD without its body. */
export function sendAnswer(response: EdgeResponse, method: string, { status, fields, body }: Answer): void {
  const length = status === 204 ? [] : ['Content-Length', String(Buffer.byteLength(body))]
  response.start(status, [...fields, ...length])
  response.end(method === 'HEAD' ? '' : body)
}
