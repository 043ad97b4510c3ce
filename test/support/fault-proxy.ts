/**
 * A TCP proxy that spoils the connections through it on demand: cut, stalled or slow, as networks do it. Stands between a
 * client and a server of a test, both of which stay as they are.
 */

import { connect, createServer, type Socket } from 'node:net'
import { listen } from './http-region.ts'

export interface FaultProxy {
  readonly port: number
  /** Resets every connection, and every new one, until `heal`. */
  cut(): void
  /** Connections stay and new ones are taken, but nothing passes in either direction until `heal`; then all of it does. */
  stall(): void
  /** Whatever comes from now on arrives so much later, in each direction and in order. */
  delay(ms: number): void
  heal(): void
}

interface Owner {
  teardown(stop: () => Promise<void>): void
}

interface Manner {
  kind: 'pass' | 'cut' | 'stall'
  delayMs: number
}

/** Listens on a free loopback port and leads to another one. */
export async function startFaultProxy(t: Owner, targetPort: number): Promise<FaultProxy> {
  const manner: Manner = { kind: 'pass', delayMs: 0 }
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    // A reset is what this proxy is for; `close` follows.
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    if (manner.kind === 'stall') socket.pause()
  }
  const server = createServer(client => {
    if (manner.kind === 'cut') return void client.resetAndDestroy()
    const target = connect(targetPort, '127.0.0.1')
    pump(client, target, manner)
    pump(target, client, manner)
    keep(client)
    keep(target)
  })
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const place = await listen(t, server)
  // Teardowns run last in, first out: a server with open connections would never close.
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
  })
  return {
    port: Number(place.split(':')[1]),
    cut() {
      manner.kind = 'cut'
      reset()
    },
    stall() {
      manner.kind = 'stall'
      for (const socket of sockets) socket.pause()
    },
    delay(ms) {
      manner.delayMs = ms
    },
    heal() {
      manner.kind = 'pass'
      manner.delayMs = 0
      for (const socket of sockets) socket.resume()
    },
  }
}

/** Every piece waits for the one before it, so that a delay that ends lets nothing overtake. */
function pump(from: Socket, to: Socket, manner: Manner): void {
  let tail = Promise.resolve()
  const afterwards = (action: () => void): void => {
    const dueAt = performance.now() + manner.delayMs
    tail = tail.then(() => until(dueAt)).then(action)
  }
  from.on('data', piece => afterwards(() => void to.write(piece)))
  from.once('close', () => afterwards(() => to.destroy()))
}

async function until(dueAt: number): Promise<void> {
  for (;;) {
    const leftMs = dueAt - performance.now()
    if (leftMs <= 0) return
    // A timer may fire a moment early.
    await new Promise(resolve => setTimeout(resolve, leftMs))
  }
}
