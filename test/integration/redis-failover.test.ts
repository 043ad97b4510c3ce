/**
 * Two routers and two agents, all real processes, on a Redis that fails over to its replica: no client request fails, every
 * region stays, and agents go on reporting to the new master.
 */

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../support/eventually.ts'
import { startHttpRegion } from '../support/http-region.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { startRedisSentinels } from '../support/redis-sentinels.ts'
import { type RunningCommand, startMeridianCommand } from '../support/run-meridian.ts'

const token = 'the-token-of-the-tests'
const names = ['edge-fra', 'edge-iad']
const leaseMs = 2_000

for (const [what, start] of [
  [
    'Sentinels',
    async (t: Test) => {
      const { sentinelPorts, master } = await startRedisSentinels(t)
      return { redis: `sentinels: [${addresses(sentinelPorts)}], sentinelName: fleet`, failNow: () => master.kill() }
    },
  ],
  [
    'a Cluster',
    async (t: Test) => {
      const { nodes, masterOf } = await startRedisCluster(t)
      const failNow = () => masterOf('{meridian:failover}:meta').kill()
      return { redis: `cluster: [${addresses(nodes.map(({ port }) => port))}]`, failNow }
    },
  ],
] as const) {
  t.test(`a failover of ${what} costs no client request and no region`, async t => {
    const folder = mkdtempSync(join(tmpdir(), 'meridian-failover-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const { redis, failNow } = await start(t)
    const routers = await Promise.all(['a', 'b'].map(name => startRouter(t, folder, name, redis)))
    for (const name of names) await startAgent(t, folder, name, routers.map(({ controlUrl }) => controlUrl).join())
    const reports = async () =>
      (await Promise.all(routers.map(({ controlUrl }) => reportsOf(controlUrl)))) as ReadonlyMap<string, number>[]
    const before = await eventually(reports, each => each.every(({ size }) => size === names.length))

    const traffic = startTraffic(
      t,
      routers.map(({ edgeUrl }) => edgeUrl),
    )
    await failNow()
    // Each region is seen by each router with a report that only the new master can have taken.
    const newest = new Map(names.map(name => [name, Math.max(...before.map(each => each.get(name)!))]))
    const away = await eventually(
      () => Promise.all(routers.map(({ controlUrl }) => missesStore(controlUrl))),
      missing => missing.some(Boolean),
    )
    t.ok(away.some(Boolean), 'Redis was away')
    await eventually(reports, each =>
      each.every(of => names.every(name => (of.get(name) ?? -1) > newest.get(name)! + leaseMs)),
    )
    t.ok(traffic.served > 0)
    t.same(traffic.failures, [], 'no client request fails')
  })
}

function addresses(ports: readonly number[]): string {
  return ports.map(port => `"127.0.0.1:${port}"`).join(', ')
}

async function startRouter(t: Test, folder: string, name: string, redis: string) {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(
    file,
    `
fleet: failover
router: { id: ${name} }
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: [127.0.0.0/8]
  tokens: [{ name: tests, sha256: ${createHash('sha256').update(token).digest('hex')} }]
lease: { duration: ${leaseMs}ms }
redis: { ${redis}, snapshotFile: ${join(folder, `${name}.json`)} }
rules: [{ name: proxied, match: { path: / }, transport: proxy }]
log: { level: warn }
`,
  )
  const command = started(t, ['serve', '--config', file])
  const [, edgeUrl, controlUrl] = await command.until('stderr', /serves clients on (\S+), its control API on (\S+)\n/)
  return { edgeUrl: edgeUrl!, controlUrl: controlUrl! }
}

async function startAgent(t: Test, folder: string, id: string, control: string): Promise<void> {
  const { url } = await startHttpRegion(t, (_request, response) => void response.end(id))
  const file = join(folder, `${id}.json`)
  const coordinates = { latitude: 50, longitude: 8 }
  writeFileSync(file, JSON.stringify({ id, name: id, tier: 'edge', coordinates, endpoints: { publicUrl: url } }))
  started(t, ['agent', '--region-file', file, '--control', control])
}

function started(t: Test, args: readonly string[]): RunningCommand {
  const command = startMeridianCommand(args, { env: { MERIDIAN_TOKEN: token } })
  t.teardown(async () => {
    command.process.kill('SIGKILL')
    await command.result
  })
  return command
}

/** When the newest report of each region came, by what its age says; without those that have none. */
async function reportsOf(controlUrl: string): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`${controlUrl}/v1/regions`)
  const { regions } = (await answer.json()) as { regions: { id: string; load?: { ageMs: number } }[] }
  const now = performance.now()
  return new Map(regions.flatMap(({ id, load }) => (load === undefined ? [] : [[id, now - load.ageMs]])))
}

async function missesStore(controlUrl: string): Promise<boolean> {
  const { reasons } = (await (await fetch(`${controlUrl}/readyz`)).json()) as { reasons: string[] }
  return reasons.length > 0
}

/** Clients of all routers, one request after the other, until the test ends. */
function startTraffic(t: Test, edgeUrls: readonly string[]) {
  const outcome = { served: 0, failures: [] as string[] }
  let stopped = false
  const client = async (edgeUrl: string): Promise<void> => {
    while (!stopped) {
      const answer = await fetch(edgeUrl).catch((error: Error) => error)
      const text = answer instanceof Error ? answer.message : await answer.text()
      if (names.includes(text)) outcome.served++
      else outcome.failures.push(text)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  const clients = edgeUrls.map(client)
  t.teardown(async () => {
    stopped = true
    await Promise.all(clients)
  })
  return outcome
}
