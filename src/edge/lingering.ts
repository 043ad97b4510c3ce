/**
 * What follows an answer that was complete before its request's body: the rest is read and thrown away for a while, so that
 * the client gets to read the answer, and can go on with its connection where both sides mean to keep it.
 *
 * To close a socket with something unread is to reset it, and a reset may take the answer away from the client
 * (RFC 9112 §9.6): so that only the sending side is closed first, and the rest once the client is done.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../clock.ts'

export interface LingeringLimits {
  /** How long the rest of a body may keep coming: so long with the connection open, and so long again half-closed. */
  readonly lingerMs: number
  /** How long nothing may come meanwhile. */
  readonly lingerSilenceMs: number
  /** How long a connection is kept open for its next request. */
  readonly keepAliveTimeoutMs: number
}

export interface Lingering {
  /** Whether an answer was given on this socket while its request still arrives. */
  has(socket: Duplex): boolean
  /** Takes care of what is left of this request when its answer is complete. */
  watch(message: IncomingMessage, response: ServerResponse): void
  /** Sends these last bytes, and closes once the client has had the time to read them. */
  end(socket: Socket, bytes?: string): void
}

/** @param onKept called when the rest of a body has been read away and its connection waits for the next request */
export function createLingering(limits: LingeringLimits, clock: Clock, onKept: () => void): Lingering {
  const sockets = new Set<Duplex>()

  /** @returns how to end it, with the connection still open */
  const begin = (socket: Socket, onLimit: () => void): (() => void) => {
    sockets.add(socket)
    // Node destroys a socket on which nothing has moved for so long.
    socket.setTimeout(limits.lingerSilenceMs)
    const stopTimer = clock.after(limits.lingerMs, onLimit)
    const stop = (): void => {
      stopTimer()
      sockets.delete(socket)
    }
    socket.once('close', stop)
    return () => {
      stop()
      socket.off('close', stop)
    }
  }

  const end = (socket: Socket, bytes = ''): void => {
    begin(socket, () => socket.destroy())
    socket.end(bytes)
  }

  const readAway = (message: IncomingMessage): void => {
    // Whoever read the body for an origin is done, but only notices with the next chunk; as long as it listens, nothing flows.
    // One that flows already would be stopped by taking listeners away that it has not.
    if (message.listenerCount('readable') > 0) message.removeAllListeners('readable')
    message.resume()
  }

  const endAfterBody = (message: IncomingMessage, socket: Socket): void => {
    end(socket)
    readAway(message)
    message.once('end', () => Socket.prototype.destroySoon.call(socket))
  }

  const keepAfterBody = (message: IncomingMessage, socket: Socket): void => {
    const stop = begin(socket, () => {
      message.off('end', keep)
      stop()
      endAfterBody(message, socket)
    })
    const keep = (): void => {
      stop()
      socket.setTimeout(limits.keepAliveTimeoutMs)
      onKept()
    }
    readAway(message)
    message.once('end', keep)
  }

  return {
    has: socket => sockets.has(socket),
    end,
    watch(message, response) {
      const { socket } = message
      // How Node closes a connection that is not kept, before the listener below hears of it.
      socket.destroySoon = () => {
        if (message.complete) Socket.prototype.destroySoon.call(socket)
        else endAfterBody(message, socket)
      }
      response.once('finish', () => {
        if (!message.complete && !sockets.has(socket)) keepAfterBody(message, socket)
      })
    },
  }
}
