/** A small real HTTP server that stands for a region; stopped when the test ends. */

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo, Server as NetServer } from 'node:net'

interface Owner {
  teardown(stop: () => Promise<void>): void
}

/** Listens on a free loopback port; the URL has no slash at its end. */
export async function startHttpRegion(t: Owner, answer: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(answer)
  const url = `http://${await listen(t, server)}`
  return { url, server }
}

/** Starts any TCP server on a free loopback port and returns `host:port`. */
export async function listen(t: Owner, server: NetServer | Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(
    () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  )
  const { address, port } = server.address() as AddressInfo
  return `${address}:${port}`
}

/** `host:port` of a loopback port on which nothing listens. */
export async function closedPort(): Promise<string> {
  const stops: (() => Promise<void>)[] = []
  const place = await listen({ teardown: stop => stops.push(stop) }, createServer())
  for (const stop of stops) await stop()
  return place
}
