/** Measured round trips through a whole router: reported, believed after a restart, and the examples that report them. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { startCollector } from '../../examples/latency-collector.ts'
import { batches, parseLine } from '../../examples/latency-from-log.ts'
import { parseConfig } from '../../src/config/config.ts'
import { startMeridian } from '../../src/runtime/meridian.ts'
import { exampleRegion } from '../support/example-region.ts'

const token = 'the-token-of-the-tests'
const authorization = { authorization: `Bearer ${token}` }
const british = '81.2.69.142'
const regions = [
  ['london', 51.5, -0.1],
  ['madrid', 40.4, -3.7],
].map(([id, latitude, longitude]) =>
  exampleRegion(id as string, { coordinates: { latitude: latitude as number, longitude: longitude as number } }),
)

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-latency-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function startRouter(folder: string, more = '') {
  const text = `
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  tokens: [{ name: ops, sha256: ${createHash('sha256').update(token).digest('hex')} }]
health: { enabled: false }
routing: { latency: { file: ${join(folder, 'latency')}${more} } }
rules: [{ name: default, pick: lowest }]
`
  const log = pino({ level: 'silent' })
  const meridian = await startMeridian(parseConfig(text, undefined, {}), { regions, log })
  const ask = async (path: string) =>
    (await fetch(`${meridian.controlUrl}${path}`, { headers: authorization })).json() as Promise<{ region: string }>
  return { meridian, ask, url: meridian.controlUrl }
}

async function post(url: string, samples: readonly object[]) {
  const headers = { ...authorization, 'content-type': 'application/json' }
  const answer = await fetch(`${url}/v1/latency`, { method: 'POST', headers, body: JSON.stringify({ samples }) })
  return { status: answer.status, body: (await answer.json()) as { accepted?: number; code?: string } }
}

const route = `/v1/route?ip=${british}`

t.test('what was measured decides, also after a restart', async t => {
  const folder = folderFor(t)
  const before = await startRouter(folder)
  t.equal((await before.ask(route)).region, 'london')
  const samples = Array.from({ length: 20 }, (_, i) => [
    { network: `81.2.69.${i}`, region: 'london', rttMs: 95 },
    { network: `81.2.69.${i}`, region: 'madrid', rttMs: 34 },
  ]).flat()
  t.match(await post(before.url, samples), { status: 202, body: { accepted: 40, rejected: [] } })
  await before.meridian.close(0)
  const after = await startRouter(folder)
  t.teardown(() => after.meridian.close(0))
  t.equal((await after.ask(route)).region, 'madrid')
})

t.test('a router may be told not to', async t => {
  const { meridian, url } = await startRouter(folderFor(t), ', enabled: false')
  t.teardown(() => meridian.close(0))
  const answer = await post(url, [{ network: british, region: 'london', rttMs: 9 }])
  t.match(answer, { status: 403, body: { code: 'LATENCY_OFF' } })
})

t.test('the example collector passes on what a page measured, with the address it calls from', async t => {
  const { meridian, url } = await startRouter(folderFor(t))
  t.teardown(() => meridian.close(0))
  const api = await recordingProxy(t, url)
  const collector = startCollector(api.url, token, 0)
  t.teardown(() => collector.close())
  await once(collector.server, 'listening')
  const at = `http://127.0.0.1:${(collector.server.address() as AddressInfo).port}/`
  const body = JSON.stringify({ london: 12.5, madrid: 40, wrong: 'x' })
  t.equal((await fetch(at, { method: 'POST', body })).status, 204)
  t.equal((await fetch(at, { method: 'POST', body: 'nonsense' })).status, 400)
  await collector.pass()
  t.match(JSON.parse(await api.first), {
    samples: [
      { network: '127.0.0.1', region: 'london', rttMs: 12.5 },
      { network: '127.0.0.1', region: 'madrid', rttMs: 40 },
    ],
  })
})

t.test('the example for logs averages what nginx wrote', async t => {
  t.same(parseLine('81.2.69.142 18500'), { address: '81.2.69.142', rttMs: 18.5 })
  for (const line of ['', 'x 1', '81.2.69.142 -', '81.2.69.142 0', '81.2.69.142 1 2'])
    t.equal(parseLine(line), undefined, line)
  const sums = new Map(
    Array.from({ length: 1001 }, (_, i) => [`10.0.${i >> 8}.${i & 255}`, { logs: Math.log(400), count: 2 }]),
  )
  const found = [...batches(sums, 'edge-ams')]
  t.same(
    found.map(({ samples }) => samples.length),
    [1000, 1],
  )
  t.ok(Math.abs(found[0]!.samples[0]!.rttMs - 20) < 1e-9)
})

/** Passes everything on to the real API, and keeps the first body. */
async function recordingProxy(t: Test, target: string) {
  let tell: (body: string) => void = () => {}
  const first = new Promise<string>(resolve => {
    tell = resolve
  })
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { authorization, 'content-type': type } = request.headers
    const headers = { authorization: authorization!, 'content-type': type! }
    const answer = await fetch(`${target}${request.url}`, { method: 'POST', headers, body })
    tell(body)
    response.writeHead(answer.status).end(await answer.text())
  })
  server.listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, first }
}
