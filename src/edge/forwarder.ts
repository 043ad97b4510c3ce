/**
 * The interface between the data plane and whatever engine carries a request to an origin.
 *
 * Small on purpose: one try at one origin. Which origin, whether to try another, and which fields travel is decided
 * outside, so that one engine can be exchanged for another.
 */

import type { Fields } from './exchange.ts'

export interface OriginRequest {
  /** Scheme, host and port to connect to; the origin gets them as its Host. */
  readonly origin: string
  readonly method: string
  /** Path and query, byte for byte. */
  readonly path: string
  readonly fields: Fields
  /** Asked for its first chunk only once a connection stands. */
  readonly body?: AsyncIterable<Uint8Array> | undefined
}

/**
 * - `connect`: no connection came about; not one byte was sent.
 * - `timeout`: the connection stands, but no answer began in time.
 * - `broken`: the connection ended, or said what is no HTTP, before the answer was whole.
 */
export type FailureKind = 'connect' | 'timeout' | 'broken'

export interface ForwardFailure {
  readonly kind: FailureKind
  readonly error: Error
}

/** Called in this order: `onInform`*, `onStart`, `onData`*, `onEnd`; `onFailure` may end it at any point. */
export interface ForwardHandler {
  onInform(status: number, fields: Fields): void
  onStart(status: number, fields: Fields): void
  /** @returns false to hear no more until `resume()` */
  onData(chunk: Uint8Array): boolean
  onEnd(trailers: Fields): void
  onFailure(failure: ForwardFailure): void
}

export interface Forwarding {
  resume(): void
  /** Gives up at once and closes the connection; nothing is called back any more. */
  cancel(): void
}

export interface Forwarder {
  forward(request: OriginRequest, handler: ForwardHandler): Forwarding
  /** Cuts what is under way and closes every connection. */
  close(): Promise<void>
}

/** Milliseconds. */
export interface ForwarderTimeouts {
  /** Until the connection stands (TLS included). */
  readonly connectMs: number
  /** From the request's last byte to the first of the answer. */
  readonly firstByteMs: number
  /** Between two chunks of an answer that the client is ready to read. */
  readonly stallMs: number
}

export const defaultForwarderTimeouts: ForwarderTimeouts = { connectMs: 2_000, firstByteMs: 60_000, stallMs: 300_000 }
