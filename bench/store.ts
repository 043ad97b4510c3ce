/**
 * What a shared fleet costs: 1,000 regions with a heartbeat a second each, four routers reading.
 *
 * One of the routers is a whole `meridian serve`, which takes its quarter of the heartbeats over HTTP, with tokens:
 * `controlCpuShare` is all the CPU of that process. This one holds the feeds of the other three, and a third process sends
 * the heartbeats, those of the three straight into Redis.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAllowedEndpoints } from '../src/regions/allowed-endpoints.ts'
import { createLeaseGuard } from '../src/regions/lease-guard.ts'
import { createRedisStore, type RedisStore } from '../src/regions/redis-store.ts'
import { type FleetFeed, startFleetFeed } from '../src/runtime/fleet-feed.ts'
import { systemClock } from '../src/runtime/system-clock.ts'
import { exampleRegion } from '../test/support/example-region.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { startMeridianCommand } from '../test/support/run-meridian.ts'
import type { Figures } from './figures.ts'
import { measureHostileCalls } from './hostile.ts'

const regionCount = 1_000
const routerCount = 4
const feedCount = routerCount - 1
const token = 'the-token-of-the-benchmark'
const seconds = 20
const leaseMs = 3_000
const silenced = 50

const allowed = parseAllowedEndpoints(['*.example.com']) as Extract<
  ReturnType<typeof parseAllowedEndpoints>,
  { ok: true }
>

function openStore(port: number): RedisStore {
  return createRedisStore({
    target: { at: { kind: 'single', node: { host: '127.0.0.1', port } }, database: 0, timeoutMs: 2_000 },
    fleet: 'bench',
    keyPrefix: '',
    leaseMs,
    clock: systemClock,
    random: Math.random,
    allowedEndpoints: allowed.value,
    onWarning: message => console.error(message),
  })
}

export async function measure(): Promise<Figures> {
  const figures = { ...(await measureFleet()), ...(await measureHostileCalls()) }
  console.table(figures)
  return figures
}

async function measureFleet(): Promise<Figures> {
  const stops: (() => Promise<unknown>)[] = []
  try {
    const redis = await startRedis({ teardown: stop => stops.push(stop) })
    const router = await startRouterProcess(redis.port, stops)
    const sender = await startSender(redis.port, router.controlUrl)
    stops.push(async () => sender.kill())
    const ages: number[] = []
    const lapses: number[] = []
    const feeds: FleetFeed[] = []
    for (let feed = 0; feed < feedCount; feed++) feeds.push(await startFeed(redis.port, stops, lapses))
    const sampling = setInterval(
      () => ages.push(...feeds.map(({ snapshot }) => systemClock.now() - snapshot.takenAt)),
      50,
    )
    stops.push(async () => clearInterval(sampling))
    const [redisBefore, routerBefore, from] = [
      redisCpu(redis.cli('INFO', 'cpu')),
      await router.cpu(),
      performance.now(),
    ]
    await new Promise(resolve => setTimeout(resolve, seconds * 1000))
    const elapsed = (performance.now() - from) / 1000
    const redisCpuShare = (redisCpu(redis.cli('INFO', 'cpu')) - redisBefore) / elapsed
    const controlCpuShare = ((await router.cpu()) - routerBefore) / elapsed
    sender.send('silence')
    const deadline = performance.now() + 4 * leaseMs
    while (lapses.length < silenced * feedCount && performance.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    return {
      redisCpuShare,
      controlCpuShare,
      snapshotAgeP99Seconds: p99(ages) / 1000,
      lapseP99Seconds: lapses.length < silenced * feedCount ? Number.NaN : p99(lapses) / 1000,
    }
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

/** A router as operators run it. */
async function startRouterProcess(port: number, stops: (() => Promise<unknown>)[]) {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-bench-'))
  stops.push(async () => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'meridian.yaml')
  writeFileSync(
    file,
    `
fleet: bench
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: ["*.example.com"]
  tokens: [{ name: regions, sha256: ${createHash('sha256').update(token).digest('hex')} }]
lease: { duration: ${leaseMs}ms }
health: { enabled: false }
redis: { url: "redis://127.0.0.1:${port}", snapshotFile: ${join(folder, 'last.json')} }
`,
  )
  const command = startMeridianCommand(['serve', '--config', file])
  stops.push(async () => {
    command.process.kill('SIGKILL')
    await command.result
  })
  const [, controlUrl] = await command.until('stderr', /its control API on (\S+)\n/)
  const cpu = async (): Promise<number> => {
    const text = await (await fetch(`${controlUrl}/metrics`)).text()
    return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1])
  }
  return { controlUrl: controlUrl!, cpu }
}

async function startFeed(port: number, stops: (() => Promise<unknown>)[], lapses: number[]): Promise<FleetFeed> {
  const store = openStore(port)
  stops.push(() => store.close())
  await store.join()
  let ends = new Map<string, number>()
  const feed = await startFleetFeed({
    store,
    guard: createLeaseGuard({ leaseMs, everyMs: 1_000 }),
    prober: undefined,
    clock: systemClock,
    everyMs: 1_000,
    // Lateness of a lapse: from the end of the lease, on this machine's clock, to the snapshot without the region.
    onReading({ now, records }) {
      const offset = systemClock.now() - now
      ends = new Map(records.map(({ region, lease }) => [region.id, lease!.expiresAt + offset]))
    },
    onSnapshot(snapshot, previous) {
      const before = new Map(previous.regions.map(({ region, verdict }) => [region.id, verdict.condition]))
      for (const { region, verdict } of snapshot.regions) {
        if (verdict.condition !== 'down' || before.get(region.id) !== 'up') continue
        lapses.push(systemClock.now() - ends.get(region.id)!)
      }
    },
    onFault: error => console.error(error),
  })
  stops.push(() => feed.close())
  return feed
}

/** Resolves once every region is registered and beats. */
function startSender(port: number, controlUrl: string): Promise<ChildProcess> {
  const sender = fork(fileURLToPath(import.meta.url), ['sender', String(port), controlUrl])
  return new Promise((resolve, reject) => {
    sender.once('message', () => resolve(sender))
    sender.once('exit', code => reject(new Error(`the sender ended with ${code}`)))
  })
}

async function send(port: number, controlUrl: string): Promise<void> {
  const store = openStore(port)
  await store.join()
  let beating = regionCount
  process.on('message', () => {
    beating = regionCount - silenced
  })
  for (let region = 0; region < regionCount; region++) {
    const id = `region-${region}`
    const { epoch } = await store.register(
      exampleRegion(id, { capacityRequests: 400, labels: { provider: 'example' } }),
    )
    let sequence = 0
    setInterval(() => {
      if (region >= beating) return
      const report = {
        epoch,
        sequence: ++sequence,
        inflight: region % 400,
        capacityRequests: 400,
        cpu: 0.5,
        latencyMs: 900,
      }
      const sent = region % routerCount === 0 ? beatOverHttp(controlUrl, id, report) : store.heartbeat(id, report)
      sent.catch(error => console.error(error))
    }, 1_000)
  }
  process.send?.('ready')
}

async function beatOverHttp(controlUrl: string, id: string, report: object): Promise<void> {
  const answer = await fetch(`${controlUrl}/v1/regions/${id}/heartbeat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(report),
  })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  await answer.arrayBuffer()
}

/** Seconds of CPU that Redis has used. */
function redisCpu(info: string): number {
  const used = (name: string) => Number(new RegExp(`^used_cpu_${name}:(.*)`, 'm').exec(info)?.[1])
  return used('user') + used('sys')
}

function p99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN
}

if (process.argv[2] === 'sender') await send(Number(process.argv[3]), process.argv[4]!)
