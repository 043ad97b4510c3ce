/**
 * What a shared fleet costs: 1,000 regions with a heartbeat a second each, four routers reading.
 *
 * Another process sends the heartbeats, straight into Redis; this one holds the feeds of four routers. So `controlCpuShare` is
 * one router's reading and snapshot building, without the HTTP around the quarter of the heartbeats that it would take.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseAllowedEndpoints } from '../src/regions/allowed-endpoints.ts'
import { createLeaseGuard } from '../src/regions/lease-guard.ts'
import { createRedisStore, type RedisStore } from '../src/regions/redis-store.ts'
import { type FleetFeed, startFleetFeed } from '../src/runtime/fleet-feed.ts'
import { systemClock } from '../src/runtime/system-clock.ts'
import { exampleRegion } from '../test/support/example-region.ts'
import { startRedis } from '../test/support/redis-server.ts'
import type { Figures } from './figures.ts'

const regionCount = 1_000
const routerCount = 4
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
  const stops: (() => Promise<unknown>)[] = []
  try {
    const redis = await startRedis({ teardown: stop => stops.push(stop) })
    const sender = await startSender(redis.port)
    stops.push(async () => sender.kill())
    const ages: number[] = []
    const lapses: number[] = []
    const feeds: FleetFeed[] = []
    for (let router = 0; router < routerCount; router++) feeds.push(await startRouter(redis.port, stops, lapses))
    const sampling = setInterval(
      () => ages.push(...feeds.map(({ snapshot }) => systemClock.now() - snapshot.takenAt)),
      50,
    )
    stops.push(async () => clearInterval(sampling))
    const [redisBefore, ownBefore, from] = [redisCpu(redis.cli('INFO', 'cpu')), process.cpuUsage(), performance.now()]
    await new Promise(resolve => setTimeout(resolve, seconds * 1000))
    const elapsed = (performance.now() - from) / 1000
    const own = process.cpuUsage(ownBefore)
    const redisCpuShare = (redisCpu(redis.cli('INFO', 'cpu')) - redisBefore) / elapsed
    const controlCpuShare = (own.user + own.system) / 1e6 / elapsed / routerCount
    sender.send('silence')
    const deadline = performance.now() + 4 * leaseMs
    while (lapses.length < silenced * routerCount && performance.now() < deadline) {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    const figures = {
      redisCpuShare,
      controlCpuShare,
      snapshotAgeP99Seconds: p99(ages) / 1000,
      lapseP99Seconds: lapses.length < silenced * routerCount ? Number.NaN : p99(lapses) / 1000,
    }
    console.table(figures)
    return figures
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function startRouter(port: number, stops: (() => Promise<unknown>)[], lapses: number[]): Promise<FleetFeed> {
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
function startSender(port: number): Promise<ChildProcess> {
  const sender = fork(fileURLToPath(import.meta.url), ['sender', String(port)])
  return new Promise((resolve, reject) => {
    sender.once('message', () => resolve(sender))
    sender.once('exit', code => reject(new Error(`the sender ended with ${code}`)))
  })
}

async function send(port: number): Promise<void> {
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
      store.heartbeat(id, report).catch(error => console.error(error))
    }, 1_000)
  }
  process.send?.('ready')
}

/** Seconds of CPU that Redis has used. */
function redisCpu(info: string): number {
  const used = (name: string) => Number(new RegExp(`^used_cpu_${name}:(.*)`, 'm').exec(info)?.[1])
  return used('user') + used('sys')
}

function p99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN
}

if (process.argv[2] === 'sender') await send(Number(process.argv[3]))
