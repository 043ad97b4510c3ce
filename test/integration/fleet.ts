/**
 * A fleet of real processes on loopback: one Redis, two routers that each reach it through a proxy that can be spoiled,
 * and a dozen regions, each a small HTTP service with an agent of its own beside it.
 */

import type { ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { startHttpRegion } from '../support/http-region.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type RunningCommand, startMeridianCommand } from '../support/run-meridian.ts'

/** Who stops everything at the end: a test, or whoever else runs trials. */
export interface Owner {
  teardown(stop: () => Promise<void>): void
}

export interface TrialRouter {
  readonly name: string
  /** Where clients come in. */
  readonly edgeUrl: string
  readonly controlUrl: string
  /** Everything that it has logged so far. */
  log(): string
  /** Its way to Redis. */
  readonly redisProxy: FaultProxy
}

export interface TrialAgent {
  readonly id: string
  readonly serviceUrl: string
  /** SIGSTOP, SIGCONT, or SIGKILL, after which `start` begins a new one. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void
  start(): void
}

export interface TrialFleet {
  readonly leaseMs: number
  readonly redis: RedisServer
  readonly routers: readonly [TrialRouter, TrialRouter]
  readonly agents: readonly TrialAgent[]
}

const token = 'the-token-of-the-trials'
export const authorization = `Bearer ${token}`

const places: readonly (readonly [string, number, number])[] = [
  ['edge-lhr', 51.5, -0.1],
  ['edge-fra', 50.1, 8.7],
  ['edge-waw', 52.2, 21.0],
  ['edge-iad', 39.0, -77.5],
  ['edge-sjc', 37.3, -121.9],
  ['edge-gru', -23.5, -46.6],
  ['edge-jnb', -26.2, 28.0],
  ['edge-bom', 19.1, 72.9],
  ['edge-sin', 1.3, 103.8],
  ['edge-nrt', 35.7, 139.7],
  ['edge-syd', -33.9, 151.2],
  ['edge-dxb', 25.2, 55.3],
]

/** Resolves once all processes run; agents register in their own time. */
export async function startTrialFleet(t: Owner, leaseMs: number): Promise<TrialFleet> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-trial-'))
  t.teardown(async () => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis(t)
  const processes = keepProcesses(t, () => void redis.kill())
  const start = (name: string) => startTrialRouter(t, { name, folder, redis, leaseMs, processes })
  const routers = await Promise.all([start('router-a'), start('router-b')])
  const urls = routers.map(({ controlUrl }) => controlUrl)
  const agents = await Promise.all(
    places.map(([id, latitude, longitude], index) => {
      // Half of the agents speak to one router, half to the other, as long as these answer.
      const control = index % 2 === 0 ? urls.join() : urls.toReversed().join()
      return prepareAgent(t, { id, coordinates: { latitude, longitude }, folder, control, processes })
    }),
  )
  for (const agent of agents) agent.start()
  return { leaseMs, redis, routers, agents }
}

export interface Processes {
  add(process: ChildProcess): void
}

/** However this process ends, nothing that it has started outlives it. @param killOthers at an end in haste, too */
export function keepProcesses(t: Owner, killOthers: () => void): Processes {
  const running = new Set<ChildProcess>()
  const killAll = (): void => {
    for (const child of running) child.kill('SIGKILL')
  }
  const killEverything = (): void => {
    killAll()
    killOthers()
  }
  process.once('exit', killEverything)
  t.teardown(async () => {
    const gone = [...running].map(child => new Promise(resolve => child.once('close', resolve)))
    killAll()
    await Promise.all(gone)
    process.off('exit', killEverything)
  })
  return {
    add(child) {
      running.add(child)
      child.once('close', () => running.delete(child))
    },
  }
}

export interface RouterGround {
  readonly name: string
  readonly folder: string
  readonly redis: RedisServer
  readonly leaseMs: number
  readonly processes: Processes
}

/** Resolves once it serves. */
export async function startTrialRouter(
  t: Owner,
  { name, folder, redis, leaseMs, processes }: RouterGround,
): Promise<TrialRouter> {
  const redisProxy = await startFaultProxy(t, redis.port)
  const file = join(folder, `${name}.yaml`)
  writeFileSync(
    file,
    `
fleet: trial
router: { id: ${name} }
regions: { defaultOrder: [edge-fra, edge-iad, edge-sin] }
http: { listen: [{ address: 127.0.0.1, port: 0 }], trustedProxies: [127.0.0.0/8] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: [127.0.0.0/8]
  tokens: [{ name: trials, sha256: ${createHash('sha256').update(token).digest('hex')} }]
lease: { duration: ${leaseMs}ms }
redis: { url: "redis://127.0.0.1:${redisProxy.port}", snapshotFile: ${join(folder, `${name}.json`)} }
rules:
  # The agents share a machine: when that is busy all of them say so, and every region is full. No other tier may take over then.
  - { name: proxied, match: { path: /proxied }, transport: proxy, tiers: [edge] }
  - { name: redirected, tiers: [edge] }
log: { level: warn }
`,
  )
  const command = startMeridianCommand(['serve', '--config', file])
  processes.add(command.process)
  const [, edgeUrl, controlUrl] = await command.until('stderr', /serves clients on (\S+), its control API on (\S+)\n/)
  return { name, edgeUrl: edgeUrl!, controlUrl: controlUrl!, redisProxy, log: () => command.output.stderr }
}

interface AgentGround {
  readonly id: string
  readonly coordinates: { readonly latitude: number; readonly longitude: number }
  readonly folder: string
  readonly control: string
  readonly processes: Processes
}

async function prepareAgent(
  t: Owner,
  { id, coordinates, folder, control, processes }: AgentGround,
): Promise<TrialAgent> {
  const serviceUrl = await startService(t, id)
  const file = join(folder, `${id}.json`)
  const endpoints = { publicUrl: serviceUrl, probe: { path: '/healthz' } }
  writeFileSync(file, JSON.stringify({ id, name: id, tier: 'edge', coordinates, endpoints, capacityRequests: 100 }))
  const args = ['agent', '--region-file', file, '--control', control, '--metrics', `${serviceUrl}/metrics`]
  let command: RunningCommand | undefined
  return {
    id,
    serviceUrl,
    signal: name => void command?.process.kill(name),
    start() {
      command = startMeridianCommand(args, { env: { MERIDIAN_TOKEN: token } })
      processes.add(command.process)
    },
  }
}

/** Says who it is to whoever asks. */
async function startService(t: Owner, id: string): Promise<string> {
  let inFlight = 0
  const { url } = await startHttpRegion(t, (request, response) => {
    if (request.url === '/metrics') return void response.end(`http_requests_in_flight ${inFlight}\n`)
    if (request.url !== '/healthz') {
      inFlight++
      response.once('close', () => inFlight--)
    }
    response.end(id)
  })
  return url
}
