/** A whole router, with real regions behind it, as its users meet it. */

import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import type { Region } from '../../src/regions/region.ts'
import { type Meridian, startMeridian } from '../../src/runtime/meridian.ts'
import { follow } from '../support/event-stream.ts'
import { exampleRegion } from '../support/example-region.ts'
import { listen, startHttpRegion } from '../support/http-region.ts'

const token = 'the-token-of-the-tests'
const settings = `
http: { listen: [{ address: 127.0.0.1, port: 0 }], trustedProxies: [127.0.0.0/8] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: [127.0.0.0/8]
  tokens: [{ name: ops, sha256: ${createHash('sha256').update(token).digest('hex')} }]
health: { interval: 100ms, recheck: 50ms, timeout: 1s }
regions: { defaultOrder: [london, singapore] }
rules:
  - { name: proxied, match: { path: /v1/ }, transport: proxy }
  - { name: told, match: { path: /decide }, transport: decide }
`
const british = '81.2.69.142'
const chinese = '202.96.128.86'

const quiet = pino({ level: 'silent' })

async function startRouter(t: Test, regions: readonly Region[], more = ''): Promise<Meridian> {
  const meridian = await startMeridian(parseConfig(settings + more, undefined, {}), { regions, log: quiet })
  t.teardown(() => meridian.close(0))
  return meridian
}

/** Two regions with servers of their own that say who they are. */
async function startFleet(t: Test) {
  const start = async (id: string, latitude: number, longitude: number) => {
    const { url, server } = await startHttpRegion(t, (request, response) => {
      response.setHeader('content-type', 'text/plain').end(`${id} ${request.method} ${request.url}`)
    })
    const endpoints = { publicUrl: url, probe: { path: '/healthz', status: 200 } }
    return { server, region: exampleRegion(id, { coordinates: { latitude, longitude }, endpoints }) }
  }
  const london = await start('london', 51.5, -0.1)
  const singapore = await start('singapore', 1.35, 103.8)
  return { london, singapore, regions: [london.region, singapore.region] }
}

const as = (address: string) => ({ headers: { 'x-forwarded-for': address }, redirect: 'manual' as const })

/** Asks again until the answer is as wanted: for what a router does by itself, in its own time. */
async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const json = async (url: string) => (await fetch(url)).json() as Promise<Record<string, unknown>>

t.test('clients are redirected, proxied and told by where they are', async t => {
  const { regions } = await startFleet(t)
  const { dataUrls, controlUrl } = await startRouter(t, regions)
  for (const [client, region] of [
    [british, 'london'],
    [chinese, 'singapore'],
  ] as const) {
    const endpoint = regions.find(({ id }) => id === region)!.endpoints.publicUrl
    const redirected = await fetch(`${dataUrls[0]}/a%2fb?x=1&x=2`, as(client))
    t.equal(redirected.status, 307)
    t.equal(redirected.headers.get('location'), `${endpoint}/a%2fb?x=1&x=2`)
    t.equal(redirected.headers.get('x-meridian-region'), region)
    await redirected.body?.cancel()

    const proxied = await fetch(`${dataUrls[0]}/v1/chat?y=2`, { ...as(client), method: 'POST', body: 'hello' })
    t.equal(await proxied.text(), `${region} POST /v1/chat?y=2`)
    t.equal(proxied.headers.get('x-meridian-region'), region)

    const told = await fetch(`${dataUrls[0]}/decide`, as(client))
    t.match(await told.json(), { region, url: endpoint })

    t.match(await json(`${controlUrl}/v1/route?ip=${client}`), { region, candidates: [{ region }] })
    t.match(await json(`${controlUrl}/v1/explain?ip=${client}`), { region, reason: 'least-cost' })
  }
})

t.test('clients of a region that dies go elsewhere, and explain says why', async t => {
  const { london, regions } = await startFleet(t)
  const { dataUrls, controlUrl } = await startRouter(t, regions)
  london.server.close()
  london.server.closeAllConnections()

  const proxied = await fetch(`${dataUrls[0]}/v1/now`, as(british))
  t.equal(await proxied.text(), 'singapore GET /v1/now', 'a proxied request goes on to the next region at once')

  const trace = await eventually(
    () => json(`${controlUrl}/v1/explain?ip=${british}`),
    ({ region }) => region === 'singapore',
  )
  t.match(trace, {
    rejected: [{ region: 'london', kind: 'doubtful', reason: 'probe', detail: /^\d+ failures, last: connection / }],
  })
  t.match(await (await fetch(`${controlUrl}/metrics`)).text(), /^meridian_probe_failures_total\{region="london"\} \d/m)
  const redirected = await fetch(dataUrls[0]!, as(british))
  t.equal(redirected.headers.get('x-meridian-region'), 'singapore')
  await redirected.body?.cancel()
})

t.test("an operator's word holds as soon as it is answered", async t => {
  const { regions } = await startFleet(t)
  const { controlUrl } = await startRouter(t, regions)
  const order = (what: string) =>
    fetch(`${controlUrl}/v1/regions/london/${what}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(what === 'drain' ? { reason: 'kernel update' } : {}),
    })
  t.ok((await order('drain')).ok)
  t.match(await json(`${controlUrl}/v1/explain?ip=${british}`), {
    region: 'singapore',
    rejected: [{ region: 'london', kind: 'forbidden', reason: 'drained', detail: 'drained by ops: kernel update' }],
  })
  t.ok((await order('undrain')).ok)
  t.match(await json(`${controlUrl}/v1/route?ip=${british}`), { region: 'london' })
})

t.test('a region that registers serves, and one that falls silent does not', async t => {
  const { singapore } = await startFleet(t)
  const { url } = await startHttpRegion(t, (_, response) => response.end('ok'))
  const body = JSON.stringify(
    exampleRegion('paris', { coordinates: { latitude: 48.9, longitude: 2.4 }, endpoints: { publicUrl: url } }),
  )
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const register = async (leaseMs: number): Promise<string> => {
    const { controlUrl } = await startRouter(t, [singapore.region], `lease: { duration: ${leaseMs}ms }`)
    const registered = await fetch(`${controlUrl}/v1/regions/paris`, { method: 'PUT', headers, body })
    t.equal(registered.status, 201)
    t.match(await registered.json(), { epoch: 1, leaseMs })
    return controlUrl
  }
  const believed = await register(600_000)
  t.match(await json(`${believed}/v1/route?ip=${british}`), { region: 'paris' })

  const silent = await register(100)
  const trace = await eventually(
    () => json(`${silent}/v1/explain?ip=${british}`),
    ({ region }) => region === 'singapore',
  )
  t.match(trace, { rejected: [{ region: 'paris', kind: 'doubtful', reason: 'lease', detail: /no heartbeat for/ }] })
})

t.test('metrics count what was done', async t => {
  const { london, singapore } = await startFleet(t)
  const regions = [london.region, { ...singapore.region, capacityRequests: 1000 }]
  const { dataUrls, controlUrl } = await startRouter(t, regions)
  await (await fetch(`${dataUrls[0]}/v1/x`, as(british))).text()
  await json(`${controlUrl}/v1/route?ip=${chinese}`)
  await json(`${controlUrl}/v1/explain?ip=${chinese}`)
  const text = await eventually(
    async () => (await fetch(`${controlUrl}/metrics`)).text(),
    text => text.includes('meridian_http_exchanges_total{'),
  )
  t.match(text, 'meridian_decisions_total{rule="proxied",transport="proxy",region="london",reason="least-cost"} 1')
  t.match(text, 'meridian_decisions_total{rule="default",transport="api",region="singapore",reason="least-cost"} 1')
  t.match(text, 'meridian_region_condition_info{region="singapore",tier="edge",condition="up"} 1')
  t.match(text, /^meridian_region_utilisation\{region="singapore"\} 0\.00/m, 'the one request of before')
  t.notMatch(text, 'meridian_region_utilisation{region="london"}', 'it declares no capacity')
  t.match(text, /meridian_geo_database_build_timestamp_seconds\{file=".*city\.mmdb"\} \d/)
})

t.test('a router without regions is not ready, and says so', async t => {
  const { dataUrls, controlUrl } = await startRouter(t, [], 'lease: { duration: 1s }')
  const ready = await fetch(`${controlUrl}/readyz`)
  t.equal(ready.status, 503)
  t.match(await ready.json(), { ready: false, reasons: [/no region is known/] })
  const refused = await fetch(dataUrls[0]!, as(british))
  t.equal(refused.status, 503)
  t.match(await refused.json(), { code: 'NO_REGION' })
  t.ok(Number(refused.headers.get('retry-after')) > 0)
})

t.test('what is wrong at start is named, and nothing is left running', async t => {
  const { regions } = await startFleet(t)
  const taken = await listen(t, createServer())
  const port = taken.split(':')[1]!
  const start = (yaml: string) => startMeridian(parseConfig(yaml, undefined, {}), { regions, log: quiet })
  for (const [what, yaml, expected] of [
    ['data port taken', settings.replace('port: 0 }]', `port: ${port} }]`), { code: 'LISTEN_FAILED', message: port }],
    [
      'control port taken',
      settings.replace('port: 0 }\n', `port: ${port} }\n`),
      { code: 'LISTEN_FAILED', message: port },
    ],
    [
      'no database',
      `${settings}geo: { databases: [/nowhere/city.mmdb] }`,
      { code: 'FILE_UNREADABLE', message: '/nowhere/city.mmdb' },
    ],
    [
      'a pin to nowhere',
      settings.replace('singapore]', 'atlantis]').replace(/ {2}tokens:.*\n/, ''),
      { code: 'CONFIG_INVALID', faults: [/atlantis/] },
    ],
  ] as const) {
    await t.rejects(start(yaml), expected, what)
  }
})

t.test('a region that dies and comes back is told as events', async t => {
  const { london, regions } = await startFleet(t)
  const { controlUrl } = await startRouter(t, regions)
  const { until, seen } = await follow(t, `${controlUrl}/v1/events`)
  const told = () => seen.flatMap(({ data }) => (data === undefined ? [] : [JSON.parse(data)]))
  const port = Number(new URL(london.region.endpoints.publicUrl).port)
  london.server.close()
  london.server.closeAllConnections()
  await until(() => told().some(({ kind }) => kind === 'down'))
  london.server.listen(port, '127.0.0.1')
  await until(() => told().at(-1)?.kind === 'up')
  const ofLondon = { region: 'london', by: 'probe' }
  t.match(
    told().filter(({ kind }) => kind !== 'impaired'),
    [
      { ...ofLondon, kind: 'down', was: /^(up|impaired)$/, detail: /^\d+ failures, last: connection / },
      { ...ofLondon, kind: 'up', was: /^(down|impaired)$/ },
    ],
  )
})
