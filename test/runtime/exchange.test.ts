/** Whole routers on one Redis: each knows what the others send, and one of them sets the tolls for all. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import type { FleetView } from '../../src/control/fleet-routes.ts'
import type { Trace } from '../../src/routing/decision.ts'
import { type Meridian, startMeridian } from '../../src/runtime/meridian.ts'
import { eventually } from '../support/eventually.ts'
import { exampleRegion } from '../support/example-region.ts'
import { startHttpRegion } from '../support/http-region.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { startMeridianCommand } from '../support/run-meridian.ts'

const british = '81.2.69.142'

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-exchange-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function settingsOf(redis: RedisServer, id: string, folder: string, more = ''): string {
  return `
router: { id: ${id} }
http: { listen: [{ address: 127.0.0.1, port: 0 }], trustedProxies: [127.0.0.0/8] }
control: { listen: { address: 127.0.0.1, port: 0 } }
routing: { snapshotEvery: 100ms, exchangeEvery: 100ms, tollsEvery: 500ms }
redis: { url: "redis://127.0.0.1:${redis.port}", snapshotFile: ${join(folder, `${id}.json`)} }
${more}`
}

/** One region, in London, of ten slots. */
async function startRouter(t: Test, redis: RedisServer, id: string, publicUrl: string): Promise<Meridian> {
  const region = exampleRegion('london', {
    coordinates: { latitude: 51.5, longitude: -0.1 },
    endpoints: { publicUrl },
    capacityRequests: 10,
  })
  const settings = settingsOf(redis, id, folderFor(t), 'rules: [{ name: default, transport: proxy }]')
  const router = await startMeridian(parseConfig(settings, undefined, {}), {
    regions: [region],
    log: pino({ level: 'silent' }),
  })
  t.teardown(() => router.close(0))
  return router
}

const json = async <T>(url: string) => (await fetch(url)).json() as Promise<T>
const fleetOf = (controlUrl: string) => json<FleetView>(`${controlUrl}/v1/fleet`)

async function believedBy({ controlUrl }: Meridian): Promise<number | undefined> {
  const trace = await json<Trace>(`${controlUrl}/v1/explain?ip=${british}`)
  return trace.candidates[0]?.believed?.utilisation
}

async function metricOf({ controlUrl }: Meridian, name: string): Promise<string | undefined> {
  const text = await (await fetch(`${controlUrl}/metrics`)).text()
  return new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]
}

t.test('requests through one router are known to the other while they last, and no longer', async t => {
  const redis = await startRedis(t)
  const open: ServerResponse[] = []
  const { url } = await startHttpRegion(t, (_request, response) => void open.push(response))
  const [one, other] = [await startRouter(t, redis, 'one', url), await startRouter(t, redis, 'other', url)]
  await eventually(
    () => metricOf(other, 'meridian_exchange_peers'),
    peers => peers === '1',
  )
  t.equal(await believedBy(other), 0)
  const answers = Array.from({ length: 5 }, () =>
    fetch(one.dataUrls[0]!, { headers: { 'x-forwarded-for': british } }).then(answer => answer.text()),
  )
  t.equal(
    await eventually(
      () => believedBy(other),
      utilisation => utilisation === 0.5,
    ),
    0.5,
    'five of ten slots',
  )
  for (const response of open) response.end('done')
  t.same(await Promise.all(answers), Array(5).fill('done'))
  t.equal(
    await eventually(
      () => believedBy(other),
      utilisation => utilisation === 0,
    ),
    0,
  )

  const gone = startRouter(t, redis, 'third', url)
  await eventually(
    () => metricOf(one, 'meridian_exchange_peers'),
    peers => peers === '2',
  )
  await (await gone).close(0)
  await eventually(
    () => metricOf(one, 'meridian_exchange_peers'),
    peers => peers === '1',
  )
  t.pass('who stops is not counted any more')
})

t.test('when the router that leads is killed another one takes over and goes on', async t => {
  const redis = await startRedis(t)
  const { url } = await startHttpRegion(t, (_request, response) => response.end())
  const folder = folderFor(t)
  const file = join(folder, 'meridian.yaml')
  writeFileSync(file, settingsOf(redis, 'first', folder))
  const first = startMeridianCommand(['serve', '--config', file])
  t.teardown(async () => {
    first.process.kill('SIGKILL')
    await first.result
  })
  await eventually(
    async () => redis.cli('GET', '{meridian:default}:leader'),
    holder => holder.startsWith('first:'),
  )
  const second = await startRouter(t, redis, 'second', url)
  const before = await eventually(
    () => fleetOf(second.controlUrl),
    ({ tolls }) => tolls !== undefined,
  )
  t.equal(before.leader, 'first')
  t.equal(await metricOf(second, 'meridian_is_leader'), '0')

  first.process.kill('SIGKILL')
  const killedAt = performance.now()
  const after = await eventually(
    () => fleetOf(second.controlUrl),
    ({ leader, tolls }) => leader === 'second' && tolls!.term > before.tolls!.term,
  )
  t.comment(`taken over, and tolls set, after ${Math.round(performance.now() - killedAt)} ms`)
  t.ok(after.tolls!.ageMs < 5_000)
  t.equal(await metricOf(second, 'meridian_is_leader'), '1')
  t.ok(Number(await metricOf(second, 'meridian_tolls_age_seconds')) < 5)
  t.equal(await metricOf(second, 'meridian_region_toll_milliseconds\\{region="london"\\}'), '0')
})

t.test('a router that stops lets go of the lead at once, and one without Redis leads itself', async t => {
  const redis = await startRedis(t)
  const { url } = await startHttpRegion(t, (_request, response) => response.end())
  const [one, other] = [await startRouter(t, redis, 'one', url), await startRouter(t, redis, 'other', url)]
  await eventually(
    () => fleetOf(other.controlUrl),
    ({ leader }) => leader === 'one',
  )
  await one.close(0)
  t.notMatch(redis.cli('GET', '{meridian:default}:leader'), /^one:/)
  await eventually(
    () => fleetOf(other.controlUrl),
    ({ leader }) => leader === 'other',
  )
  const settings = settingsOf(redis, 'alone', folderFor(t)).replace(/^redis: .*$/m, '')
  const alone = await startMeridian(parseConfig(settings, undefined, {}), {
    regions: [exampleRegion('london')],
    log: pino({ level: 'silent' }),
  })
  t.teardown(() => alone.close(0))
  const { leader, tolls } = await eventually(
    () => fleetOf(alone.controlUrl),
    ({ tolls }) => tolls !== undefined,
  )
  t.same([leader, tolls!.term], ['alone', 1])
})
