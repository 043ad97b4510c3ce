/**
 * One region of the demo as its clients see it: a small HTTP server that tells who answered, takes its time, and refuses
 * what is more than it can hold.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Load } from '../../agent/metrics-mapping.ts'
import type { Region } from '../../regions/region.ts'

export interface RegionServer {
  readonly server: Server
  /** What a heartbeat says of the time since the last one was made. */
  readLoad(): Load
}

/** Events of a stream, one each service time. */
const streamLength = 10
const defaultServiceMs = 100

/** Time that a demo region takes for one request, from its label `demo-service-ms`. */
export function serviceMsOf({ labels }: Region): number {
  return Number(labels['demo-service-ms'] ?? defaultServiceMs)
}

export function createRegionServer(region: Region): RegionServer {
  const capacity = region.capacityRequests ?? Number.POSITIVE_INFINITY
  const serviceMs = serviceMsOf(region)
  let inflight = 0
  let since = { startedAt: performance.now(), served: 0, refused: 0, totalMs: 0, cpu: process.cpuUsage() }

  const server = createServer((request, response) => {
    const path = request.url!.split('?', 1)[0]!
    const { probe } = region.endpoints
    if (path === probe?.path) return answer(response, probe.status, { region: region.id, status: 'ok' })
    if (inflight >= capacity) {
      since.refused++
      response.setHeader('Retry-After', '1')
      return answer(response, 503, { region: region.id, error: `full: ${capacity} requests are under way` })
    }
    inflight++
    const startedAt = performance.now()
    response.once('close', () => {
      inflight--
      since.served++
      since.totalMs += performance.now() - startedAt
    })
    request.resume()
    if (path.endsWith('/stream')) stream(response, region.id, serviceMs)
    else setTimeout(() => answer(response, 200, describe(region, request, inflight)), serviceMs)
  })
  return {
    server,
    readLoad() {
      const { startedAt, served, refused, totalMs, cpu } = since
      const now = performance.now()
      const { user, system } = process.cpuUsage(cpu)
      since = { startedAt: now, served: 0, refused: 0, totalMs: 0, cpu: process.cpuUsage() }
      return {
        inflight,
        cpu: (user + system) / 1_000 / Math.max(1, now - startedAt),
        requestsPerSecond: round(((served + refused) * 1_000) / Math.max(1, now - startedAt)),
        ...(served > 0 && { latencyMs: round(totalMs / served) }),
        ...(served + refused > 0 && { errorRate: round(refused / (served + refused)) }),
      }
    },
  }
}

function describe(region: Region, request: IncomingMessage, inflight: number): object {
  const { id, name, tier, capacityRequests } = region
  const { method, url, headers } = request
  return {
    ...{ region: id, name, tier, pid: process.pid, method, path: url },
    client: headers['x-forwarded-for'] ?? request.socket.remoteAddress,
    host: headers['x-forwarded-host'] ?? headers.host,
    requestId: headers['x-request-id'],
    ...{ inflight, capacityRequests },
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

/** Server-sent events, as an inference API streams its tokens. */
function stream(response: ServerResponse, region: string, everyMs: number): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  let sent = 0
  const timer = setInterval(() => {
    sent++
    response.write(`data: ${JSON.stringify({ region, token: sent })}\n\n`)
    if (sent === streamLength) response.end()
  }, everyMs)
  response.once('close', () => clearInterval(timer))
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
