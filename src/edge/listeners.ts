/**
 * The sockets of the data plane: `node:http` servers with their limits, and how they stop.
 *
 * Owns no decision: what arrives whole goes to the handler, what breaks the protocol is answered here.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../clock.ts'
import { type ErrorCode, MeridianError } from '../errors.ts'
import { parseAddress } from '../geo/address.ts'
import { problemAnswer } from './answer.ts'
import { createLingering, type LingeringLimits } from './lingering.ts'
import { announcesBody } from './node-exchange.ts'

export interface ListenAddress {
  /** IP address; `0.0.0.0` or `::` for every interface. */
  readonly address: string
  /** 0: any free port. */
  readonly port: number
}

export interface ListenerLimits extends LingeringLimits {
  /** Request line and header fields together. */
  readonly maxHeaderBytes: number
  /** Until the header fields of a request have arrived. */
  readonly headersTimeoutMs: number
  /** Until the whole request has arrived, its body included. */
  readonly requestTimeoutMs: number
  /** How long nothing at all may move on a connection while an exchange is under way. */
  readonly idleTimeoutMs: number
}

export interface Listeners {
  /**
   * Opens all or none. Where an IPv4 address is listed with the same port, `::` takes IPv6 only; alone, it takes both.
   * @returns where each one listens
   * @throws MeridianError LISTEN_FAILED
   */
  listen(addresses: readonly ListenAddress[]): Promise<ListenAddress[]>
  /**
   * Accepts nothing new and lets exchanges finish; those that have not after `limitMs` are cut.
   * @returns how many were cut
   */
  close(limitMs: number): Promise<number>
}

/** @param handle called for every request, also for one that waits for `100 Continue` */
export function createListeners(
  limits: ListenerLimits,
  clock: Clock,
  requestId: () => string,
  handle: (message: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) => void,
): Listeners {
  const active = new Set<ServerResponse>()
  const servers = new Set<Server>()
  let closing = false

  const closeIdle = (): void => {
    if (closing) for (const server of servers) server.closeIdleConnections()
  }
  const lingering = createLingering(limits, clock, closeIdle)

  const serve = (message: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void => {
    active.add(response)
    response.shouldKeepAlive &&= !closing
    response.once('close', () => {
      active.delete(response)
      closeIdle()
    })
    if (announcesBody(message)) lingering.watch(message, response)
    handle(message, response, awaitsContinue)
  }

  const refuse = (error: NodeJS.ErrnoException, socket: Duplex): void => {
    // Answered already: what still comes need not make sense, until the client is done.
    if (lingering.has(socket) && !socket.readableEnded) return
    // Amid an answer, another one would only be more of its body.
    const answering = [...active].some(response => response.socket === socket && response.headersSent)
    if (!socket.writable || answering || error.code === 'ECONNRESET') socket.destroy()
    // Node's types say Duplex for the sake of servers that are fed others by hand; these listen by themselves.
    else
      lingering.end(socket as Socket, rawProblem(new MeridianError(...wordProtocolError(error, limits)), requestId()))
  }

  const create = (): Server => {
    const server = createServer({
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.max(100, Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 4),
      // A missing Host is answered like every other fault, with a problem document.
      requireHostHeader: false,
    })
    // Beyond this many lines Node would drop fields without a word; the limit in bytes is the one that holds.
    server.maxHeadersCount = 0
    server.timeout = limits.idleTimeoutMs
    server.on('request', (message, response) => serve(message, response, false))
    server.on('checkContinue', (message, response) => serve(message, response, true))
    server.on('clientError', refuse)
    server.on('connect', (_message, socket) => {
      const error = new MeridianError('UPGRADE_UNSUPPORTED', 'CONNECT asks for a tunnel; this router opens none.')
      // The server has let go of this socket: nobody else hears its errors, or closes it.
      socket.on('error', () => socket.destroy())
      socket.end(rawProblem(error, requestId()), () => socket.destroy())
    })
    servers.add(server)
    return server
  }

  const close = async (limitMs: number): Promise<number> => {
    closing = true
    for (const response of active) response.shouldKeepAlive = false
    let cut = 0
    const stopTimer = clock.after(limitMs, () => {
      cut = active.size
      for (const server of servers) server.closeAllConnections()
    })
    await Promise.all([...servers].map(server => new Promise(resolve => server.close(resolve))))
    stopTimer()
    return cut
  }

  const listen = async (addresses: readonly ListenAddress[]): Promise<ListenAddress[]> => {
    const created = addresses.map(address => ({ address, server: create() }))
    try {
      return await Promise.all(
        created.map(({ address, server }) => listenOn(server, address, isIpv6Only(address, addresses))),
      )
    } catch (error) {
      for (const { server } of created) {
        servers.delete(server)
        server.close()
        server.closeAllConnections()
      }
      throw error
    }
  }

  return { listen, close }
}

function isIpv6Only({ address, port }: ListenAddress, all: readonly ListenAddress[]): boolean {
  return address.includes(':') && all.some(other => other.port === port && !other.address.includes(':'))
}

function listenOn(server: Server, { address, port }: ListenAddress, ipv6Only: boolean): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new MeridianError('LISTEN_FAILED', wordListenError(address, port, cause.code), { cause }))
    })
    if (parseAddress(address) === undefined) {
      reject(new MeridianError('LISTEN_FAILED', `Cannot listen on ${address}: expected an IP address such as 0.0.0.0`))
      return
    }
    server.listen({ host: address, port, ipv6Only }, () => {
      const bound = server.address() as AddressInfo
      resolve({ address: bound.address, port: bound.port })
    })
  })
}

function wordListenError(address: string, port: number, code: string | undefined): string {
  const place = `Cannot listen on ${address.includes(':') ? `[${address}]` : address}:${port}`
  switch (code) {
    case 'EADDRINUSE':
      return `${place}: another program listens there. Stop it, or choose another port.`
    case 'EACCES':
      return `${place}: this user may not. Choose a port from 1024 on, or grant the right to bind low ports.`
    case 'EADDRNOTAVAIL':
      return `${place}: this machine has no such address. Use one of its own, or 0.0.0.0 or :: for all.`
    default:
      return `${place}: ${code ?? 'unknown error'}.`
  }
}

function wordProtocolError(error: NodeJS.ErrnoException, limits: ListenerLimits): [ErrorCode, string] {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['HEADERS_TOO_LARGE', `Request line and header fields may have ${limits.maxHeaderBytes} bytes together.`]
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['REQUEST_TIMEOUT', 'The connection was open for too long without a whole request.']
    default:
      return ['REQUEST_INVALID', 'What was sent is not HTTP/1.1 as RFC 9112 has it.']
  }
}

const reasonPhrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  501: 'Not Implemented',
}

/** A whole HTTP answer, for sockets on which no request could be read. */
function rawProblem(error: MeridianError, requestId: string): string {
  const { status, fields, body } = problemAnswer(error, requestId, ['X-Request-Id', requestId, 'Connection', 'close'])
  const lines = [`HTTP/1.1 ${status} ${reasonPhrases[status] ?? ''}`, `Content-Length: ${Buffer.byteLength(body)}`]
  for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
