/**
 * The HTTP data plane: takes an exchange, asks the router, answers by redirect, proxy or decision.
 *
 * Deciding is synchronous: nothing is awaited between a request and its region. What happened is told to the observer; the
 * edge itself knows no store, no metric and no log.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Random } from '../clock.ts'
import type { FollowingRouter } from '../routing/decision.ts'
import type { ClientAddressSettings } from './client-address.ts'
import type { Forwarder } from './forwarder.ts'
import { createListeners, type ListenAddress, type ListenerLimits } from './listeners.ts'
import { NodeRequest, NodeResponse } from './node-exchange.ts'
import type { EdgeObserver } from './observer.ts'
import { serveExchange } from './serve.ts'

export interface EdgeSettings extends ListenerLimits {
  /** Path and query together; longer ones are refused with 414. */
  readonly maxUrlBytes: number
  /** Meridian routers that a request may have passed through before this one. */
  readonly maxHops: number
  /** Regions tried at most for one proxied request. */
  readonly maxTries: number
  /** Middle of the jittered Retry-After of a 503. */
  readonly retryAfterSeconds: number
}

export const defaultEdgeSettings: EdgeSettings = {
  maxUrlBytes: 8_192,
  maxHops: 3,
  maxTries: 3,
  retryAfterSeconds: 5,
  maxHeaderBytes: 32_768,
  headersTimeoutMs: 15_000,
  requestTimeoutMs: 300_000,
  keepAliveTimeoutMs: 65_000,
  lingerMs: 30_000,
  lingerSilenceMs: 5_000,
  // Above the longest silence that a forwarder allows an origin.
  idleTimeoutMs: 400_000,
}

export interface EdgeDependencies {
  readonly router: FollowingRouter
  /** Stays its maker's: closing the edge does not close it. */
  readonly forwarder: Forwarder
  readonly clientAddress: ClientAddressSettings
  readonly clock: Clock
  readonly random: Random
  /** A new id of URI-unreserved characters. */
  readonly requestId: () => string
  readonly observer?: EdgeObserver
  readonly settings?: Partial<EdgeSettings>
}

export interface Edge {
  /** Serves one exchange of a `node:http` server; never throws. */
  handle(message: IncomingMessage, response: ServerResponse): void
  /**
   * Opens all of these addresses or none.
   * @returns where each one listens: of use where a port was 0
   * @throws MeridianError LISTEN_FAILED
   */
  listen(addresses: readonly ListenAddress[]): Promise<ListenAddress[]>
  /**
   * Stops accepting, lets exchanges finish for up to `limitMs` (10 s), then cuts them.
   * @returns how many were cut
   */
  close(limitMs?: number): Promise<number>
}

export function createEdge(dependencies: EdgeDependencies): Edge {
  const settings = { ...defaultEdgeSettings, ...dependencies.settings }
  const serving = { ...dependencies, observer: dependencies.observer ?? {}, kept: { count: 0 }, settings }

  const handle = (message: IncomingMessage, response: ServerResponse, awaitsContinue = false): void => {
    const { shouldKeepAlive } = response
    // Whoever gets another answer than 100 may send the body or not; only a closed connection is clear (RFC 9110 §10.1.1).
    if (awaitsContinue) response.shouldKeepAlive = false
    const request = new NodeRequest(message, () => {
      if (!awaitsContinue) return
      response.writeContinue()
      response.shouldKeepAlive = shouldKeepAlive
    })
    serveExchange(serving, request, new NodeResponse(response))
  }

  const listeners = createListeners(settings, dependencies.clock, dependencies.requestId, handle)
  return { handle, listen: listeners.listen, close: (limitMs = 10_000) => listeners.close(limitMs) }
}
