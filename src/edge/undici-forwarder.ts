/**
 * The forwarder by way of undici: HTTP/1.1 to origins, a pool of kept-alive connections for each.
 *
 * Works at undici's dispatch level, below its streams: chunks go from the origin's socket to the client's as they come, and
 * it is known for certain whether a request was written before it failed.
 */

import { Agent, type Dispatcher, errors, Pool } from 'undici'
import type { GuardedConnections } from '../regions/guarded-connect.ts'
import {
  defaultForwarderTimeouts,
  type Forwarder,
  type ForwarderTimeouts,
  type ForwardHandler,
  type Forwarding,
} from './forwarder.ts'

/** @param connections which connections may be made; absent: any */
export function createUndiciForwarder(
  timeouts: Partial<ForwarderTimeouts> = {},
  connections?: GuardedConnections,
): Forwarder {
  const { connectMs, firstByteMs, stallMs } = { ...defaultForwarderTimeouts, ...timeouts }
  const agent = new Agent({
    connect: { timeout: connectMs },
    headersTimeout: firstByteMs,
    bodyTimeout: stallMs,
    // One request a connection at a time: what one origin does to it is then no other exchange's failure.
    allowH2: false,
    pipelining: 1,
    // Of its own for each origin: where a name leads is judged by what it is asked for.
    ...(connections && {
      factory: (origin: string | URL, options: object) =>
        new Pool(origin, { ...options, connect: connections.connectorFor(new URL(origin).origin, connectMs) }),
    }),
  })
  return {
    forward({ origin, method, path, fields, body }, handler) {
      const forwarding = new UndiciForwarding(handler)
      // undici's types know no async iterable as a body, though it takes them and waits for its own drains.
      const stream = (body ?? null) as Dispatcher.DispatchOptions['body'] & null
      agent.dispatch({ origin, method, path, headers: [...fields], body: stream }, forwarding)
      return forwarding
    },
    close: () => agent.destroy(),
  }
}

class UndiciForwarding implements Forwarding, Dispatcher.DispatchHandler {
  readonly #handler: ForwardHandler
  #controller: Dispatcher.DispatchController | undefined
  #cancelled = false

  constructor(handler: ForwardHandler) {
    this.#handler = handler
  }

  resume(): void {
    this.#controller?.resume()
  }

  cancel(): void {
    this.#cancelled = true
    this.#controller?.abort(new errors.RequestAbortedError())
  }

  /** The connection stands and the request is about to be written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#cancelled) controller.abort(new errors.RequestAbortedError())
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const fields = textOf(controller.rawHeaders)
    if (status < 200) this.#handler.onInform(status, fields)
    else this.#handler.onStart(status, fields)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#handler.onData(chunk)) controller.pause()
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#handler.onEnd(textOf(controller.rawTrailers))
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#cancelled) return
    const kind =
      this.#controller === undefined ? 'connect' : error instanceof errors.HeadersTimeoutError ? 'timeout' : 'broken'
    this.#handler.onFailure({ kind, error })
  }
}

/** Raw header lines as text, byte for byte. */
function textOf(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map(part => (typeof part === 'string' ? part : part.toString('latin1'))) : []
}
