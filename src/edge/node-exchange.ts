/**
 * Exchanges over `node:http`: the one file that knows its requests and responses.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { EdgeRequest, EdgeResponse, Fields } from './exchange.ts'

/** Whether a request says that a body follows its fields. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

export class NodeRequest implements EdgeRequest {
  readonly method: string
  readonly target: string
  readonly httpVersion: string
  readonly fields: Fields
  readonly peer: string
  readonly scheme: 'http' | 'https'
  readonly hasBody: boolean
  readonly #message: IncomingMessage
  readonly #beforeBody: () => void

  /** @param beforeBody called when the body is first asked for: the moment for `100 Continue` */
  constructor(message: IncomingMessage, beforeBody: () => void) {
    this.method = message.method ?? ''
    this.target = message.url ?? ''
    this.httpVersion = message.httpVersion
    this.fields = message.rawHeaders
    this.peer = message.socket.remoteAddress ?? ''
    this.scheme = (message.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http'
    this.hasBody = announcesBody(message)
    this.#message = message
    this.#beforeBody = beforeBody
  }

  field(name: string): string | undefined {
    const value = this.#message.headers[name]
    return typeof value === 'object' ? value.join(', ') : value
  }

  async *body(): AsyncGenerator<Uint8Array> {
    this.#beforeBody()
    // Not destroyed when an origin answers early: the rest is then read away, and the connection may be kept.
    yield* this.#message.iterator({ destroyOnReturn: false })
  }
}

export class NodeResponse implements EdgeResponse {
  bodyBytes = 0
  readonly #response: ServerResponse
  #bodyBegun = false

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get started(): boolean {
    return this.#response.headersSent
  }

  /** Passes on what Node can write: Processing, and Early Hints that hold links (RFC 8297). */
  inform(status: number, fields: Fields): void {
    const response = this.#response
    if (response.req.httpVersionMinor === 0 || response.destroyed) return
    if (status === 102) response.writeProcessing()
    if (status !== 103) return
    const links = fields.filter((_, i) => i % 2 === 1 && fields[i - 1]!.toLowerCase() === 'link')
    if (links.length === 0) return
    try {
      response.writeEarlyHints({ link: links })
    } catch {
      // Node knows a narrower grammar of links than the world; a hint that it refuses is not worth an exchange.
    }
  }

  start(status: number, fields: Fields): void {
    const response = this.#response
    response.writeHead(status, [...fields])
    // The first chunk often comes in the same packet; if it does not, the client shall not wait for it.
    queueMicrotask(() => {
      if (!this.#bodyBegun && !response.destroyed) response.flushHeaders()
    })
  }

  write(chunk: Uint8Array): boolean {
    this.#bodyBegun = true
    this.bodyBytes += chunk.byteLength
    return this.#response.write(chunk)
  }

  end(body = '', trailers: Fields = []): void {
    this.#bodyBegun = true
    this.bodyBytes += Buffer.byteLength(body)
    if (trailers.length > 0) this.#response.addTrailers(pairsOf(trailers))
    this.#response.end(body)
  }

  cut(): void {
    this.#response.destroy()
  }

  onDrain(callback: () => void): void {
    this.#response.once('drain', callback)
  }

  onClose(callback: (whole: boolean) => void): void {
    this.#response.once('close', () => callback(this.#response.writableFinished))
  }
}

function pairsOf(fields: Fields): [string, string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < fields.length; i += 2) pairs.push([fields[i]!, fields[i + 1]!])
  return pairs
}
