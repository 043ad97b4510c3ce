/**
 * The process of one demo region: does what the demo tells it, and ends with it.
 *
 * A process of its own, so that it can be killed like a real one.
 */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { startAgent } from '../../agent/agent.ts'
import type { FromRegion, ToRegion } from './messages.ts'
import { createRegionServer, type RegionServer } from './region-server.ts'

// Ctrl-C reaches every process of a terminal; the demo takes its regions along when it is done itself.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(0))

let running: RegionServer | undefined
process.on('message', (message: ToRegion) => {
  follow(message).then(say, (error: Error) => say({ kind: 'failed', message: error.message }))
})

async function follow(message: ToRegion): Promise<FromRegion> {
  if (message.kind === 'listen') {
    running = createRegionServer(message.region)
    return { kind: 'listening', port: await listen(running, message.port) }
  }
  const { region, controlUrl: control, token } = message
  // All regions are on one machine: each tells of its own process only.
  const agent = startAgent({ region, control, token, load: running!.readLoad, host: false })
  await agent.registered
  return { kind: 'registered' }
}

async function listen({ server }: RegionServer, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if (port === 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  return (server.address() as AddressInfo).port
}

function say(message: FromRegion): void {
  process.send?.(message)
}
