/** Real edges, origins and clients on 127.0.0.1 for tests; each stops with the test that started it. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import { catchAllRule, type Rule } from '../../src/config/rule.ts'
import { createEdge, type Edge, type EdgeSettings } from '../../src/edge/edge.ts'
import type { Forwarder, ForwarderTimeouts } from '../../src/edge/forwarder.ts'
import type { DispatchRecord, ExchangeRecord, FinishRecord } from '../../src/edge/observer.ts'
import { createUndiciForwarder } from '../../src/edge/undici-forwarder.ts'
import { createNetworkSet } from '../../src/geo/network-set.ts'
import type { Region } from '../../src/regions/region.ts'
import type { Decision, FollowingRouter, RouteRequest, Trace } from '../../src/routing/decision.ts'
import { realClock } from '../support/clocks.ts'
import { exampleRegion } from '../support/example-region.ts'
import { networkFrom } from '../support/network-from.ts'

/** A region that is reached at this origin. */
export function regionAt(id: string, originUrl: string): Region {
  return exampleRegion(id, { endpoints: { publicUrl: `https://${id}.example.com`, originUrl } })
}

export function ruleOf(change: Partial<Rule>): Rule {
  return { ...catchAllRule, name: 'test', ...change }
}

export interface FakeRouter extends FollowingRouter {
  readonly asked: RouteRequest[]
}

/** One rule, and regions in the order in which they are to be tried. */
export function fakeRouter(rule: Rule, regions: readonly Region[]): FakeRouter {
  const asked: RouteRequest[] = []
  return {
    asked,
    match: () => rule,
    route(request): Decision {
      asked.push(request)
      return {
        ranked: regions.map((each, i) => ({ region: each, costMs: 10 * i + 1.25, standing: 'eligible' as const })),
        best: regions[0],
        ruleName: rule.name,
        reason: regions.length > 0 ? 'least-cost' : 'none',
        degraded: false,
        snapshotVersion: 1,
        location: undefined,
      }
    },
    explain(): Trace {
      throw new Error('the data plane never explains')
    },
    follow: () => ({ refused: () => {}, end: () => {} }),
  }
}

export interface RunningEdge {
  readonly edge: Edge
  readonly port: number
  readonly url: string
  readonly exchanges: ExchangeRecord[]
  readonly dispatches: DispatchRecord[]
  readonly finishes: FinishRecord[]
  readonly faults: unknown[]
}

export interface EdgeOptions {
  readonly settings?: Partial<EdgeSettings>
  readonly timeouts?: Partial<ForwarderTimeouts>
  readonly trusted?: readonly string[]
  readonly header?: string
  readonly forwarder?: Forwarder
}

export async function startEdge(t: Test, router: FollowingRouter, options: EdgeOptions = {}): Promise<RunningEdge> {
  const exchanges: ExchangeRecord[] = []
  const dispatches: DispatchRecord[] = []
  const finishes: FinishRecord[] = []
  const faults: unknown[] = []
  let ids = 0
  const forwarder = options.forwarder ?? createUndiciForwarder(options.timeouts)
  const edge = createEdge({
    router,
    forwarder,
    clientAddress: {
      trustedProxies: createNetworkSet((options.trusted ?? []).map(networkFrom)),
      header: options.header,
    },
    clock: realClock,
    random: () => 0.5,
    requestId: () => `id-${++ids}`,
    observer: {
      onExchange: record => exchanges.push(record),
      onDispatch: record => dispatches.push(record),
      onFinish: record => finishes.push(record),
      onFault: error => faults.push(error),
    },
    ...(options.settings !== undefined && { settings: options.settings }),
  })
  const [bound] = await edge.listen([{ address: '127.0.0.1', port: 0 }])
  t.teardown(async () => {
    await edge.close(0)
    await forwarder.close()
  })
  const { port } = bound!
  return { edge, port, url: `http://127.0.0.1:${port}`, exchanges, dispatches, finishes, faults }
}

/** An HTTP origin. @returns its URL */
export async function startOrigin(t: Test, handler: RequestListener): Promise<string> {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An origin that speaks bytes. @returns its URL */
export async function startRawOrigin(t: Test, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createTcpServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A URL at which nobody listens. */
export async function refusingUrl(): Promise<string> {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

export interface CurlAnswer {
  readonly exit: number | null
  readonly status: number
  /** Lower-case names; the last answer's where there were interim ones. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly text: string
}

/** Runs the real curl and waits for its end. */
export async function curl(...args: string[]): Promise<CurlAnswer> {
  const child = spawn('curl', ['--silent', '--show-error', '--include', '--max-time', '60', '--path-as-is', ...args])
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.resume()
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, ...readAnswer(Buffer.concat(chunks)) }
}

/** A curl that is still running, for streams. */
export function curlProcess(t: Test, ...args: string[]): ChildProcess {
  const child = spawn('curl', ['--silent', '--no-buffer', '--max-time', '60', ...args])
  t.teardown(() => child.kill())
  return child
}

/** Sends bytes as they are and gathers the answer until the router closes the connection. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(Buffer.from(bytes, 'latin1'))
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

export function headersOf(raw: string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of raw.split('\r\n\r\n')[0]!.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  return headers
}

function readAnswer(all: Buffer): Omit<CurlAnswer, 'exit'> {
  let rest = all
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    const head = rest.subarray(0, Math.max(0, end)).toString('latin1')
    const status = Number(head.split(' ')[1] ?? 0)
    const body = rest.subarray(end + 4)
    if (end === -1 || status >= 200) return { status, headers: headersOf(head), body, text: body.toString() }
    rest = body
  }
}

/** Polls until the condition holds; the test runner's own limit ends a wait that never does. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve))
}

/** Reads a request's whole body. */
export async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** An origin's answer that tells what reached it. */
export function echo(message: IncomingMessage, response: ServerResponse): void {
  const seen = { method: message.method, url: message.url, headers: message.headers }
  response.setHeader('content-type', 'application/json').end(JSON.stringify(seen))
}
