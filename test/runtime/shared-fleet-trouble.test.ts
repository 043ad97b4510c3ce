/** Whole routers whose Redis comes, goes, hangs, forgets and fills up. */

import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Region } from '../../src/regions/region.ts'
import type { Meridian } from '../../src/runtime/meridian.ts'
import { exampleRegion } from '../support/example-region.ts'
import { startHttpRegion } from '../support/http-region.ts'
import { startRedis } from '../support/redis-server.ts'
import {
  british,
  eventually,
  folderFor,
  headers,
  json,
  keepAlive,
  leaseMs,
  london,
  readyOf,
  register,
  routeOf,
  startRouter,
  token,
  tokyo,
} from './sharing-routers.ts'

t.test('without Redis a router starts from its files, says so, and joins when Redis comes', async t => {
  const redis = await startRedis(t)
  await redis.kill()
  const router = await startRouter(t, redis, folderFor(t), [tokyo])
  t.equal(await routeOf(router), 'tokyo')
  t.match(await readyOf(router), {
    ready: true,
    reasons: [/^deciding from what was last known.*Redis at 127\.0\.0\.1/],
  })
  t.match(router.log.join(''), /starting from 1 region of region files, with no snapshot of an earlier run, and/)
  t.notMatch(router.log.join(''), /ENOENT|no such file/)
  const { ageMs, ...unread } = await json(`${router.controlUrl}/v1/regions`)
  t.match(unread, { stale: true, regions: [{ id: 'tokyo' }] })
  t.equal(ageMs, undefined, 'never read by this router')
  t.match(await register(router, london), { status: 503, code: 'STORE_UNAVAILABLE' })
  const ask = async (method: string, path: string, bearer = token) => {
    const body = method === 'POST' ? '{"name":"colleague"}' : undefined
    const sent = { ...(body && { 'content-type': 'application/json' }), authorization: `Bearer ${bearer}` }
    const answer = await fetch(router.controlUrl + path, { method, headers: sent, ...(body && { body }) })
    return { status: answer.status, ...((await answer.json()) as { code?: string; detail?: string }) }
  }
  for (const [method, path] of [
    ['GET', '/v1/tokens'],
    ['POST', '/v1/tokens'],
    ['DELETE', '/v1/tokens/0123456789ab'],
    ['GET', '/v1/audit'],
  ] as const) {
    const detail = /^Redis at 127\.0\.0\.1:\d+ did not take the command: /
    t.match(await ask(method, path), { status: 503, code: 'STORE_UNAVAILABLE', detail }, `${method} ${path}`)
  }
  t.match(
    await ask('GET', '/v1/audit', 'made-before-this-start'),
    { status: 503, detail: /^the tokens of the store have not been read yet: Redis at / },
    'the store may know it',
  )
  await redis.start()
  t.match(
    await eventually(
      () => register(router, london),
      ({ status }) => status < 300,
    ),
    { status: 201 },
  )
  t.equal(
    await eventually(
      () => routeOf(router),
      region => region === 'london',
    ),
    'london',
  )
  t.match(
    await eventually(
      () => readyOf(router),
      ({ reasons }) => (reasons as []).length === 0,
    ),
    { ready: true },
  )
  t.match(router.log.join(''), /the fleet can be read again/)
  await eventually(
    () => ask('GET', '/v1/audit', 'made-before-this-start'),
    ({ status }) => status === 401,
  )
  t.equal((await ask('GET', '/v1/tokens')).status, 200)
  t.notOk('stale' in (await json(`${router.controlUrl}/v1/regions`)))
})

t.test('no client notices that Redis dies and comes back empty, and the fleet builds itself again', async t => {
  const redis = await startRedis(t)
  const folder = folderFor(t)
  const router = await startRouter(t, redis, folder, [tokyo])
  keepAlive(t, router, london)
  await eventually(
    () => routeOf(router),
    region => region === 'london',
  )
  await eventually(
    async () => readFileSync(join(folder, 'last.json'), 'utf8'),
    text => text.includes('"london"'),
  )
  const answers = new Set<unknown>()
  const watch = async (until: () => Promise<boolean>): Promise<void> => {
    do answers.add(await routeOf(router))
    while (!(await until()))
  }

  await redis.kill()
  const goneAt = performance.now()
  await watch(async () => performance.now() - goneAt > 1.5 * leaseMs)
  t.same([...answers], ['london'], 'a lease and a half without Redis')
  t.match(await register(router, exampleRegion('paris', { endpoints: london.endpoints })), { status: 503 })
  const fleet = await json(`${router.controlUrl}/v1/fleet`)
  t.match(fleet, { stale: true, regions: { total: 2 } }, 'who looks sees what decisions see')
  t.ok(Number(fleet['ageMs']) >= leaseMs, 'and how old it is')
  t.match(await json(`${router.controlUrl}/v1/regions/london`), { state: 'up', source: 'registered', stale: true })

  const late = await startRouter(t, redis, folder, [tokyo])
  t.equal(await routeOf(late), 'london', 'a router that starts meanwhile knows it from the disk')

  await redis.start()
  await watch(async () => redis.cli('HEXISTS', '{meridian:default}:regions', 'london') === '1')
  const backAt = performance.now()
  await watch(async () => performance.now() - backAt > 1.5 * leaseMs)
  t.same([...answers], ['london'], 'nor while it registers again')
  t.equal(
    await eventually(
      () => routeOf(late),
      region => region === 'london',
    ),
    'london',
  )
})

t.test('what operators said outlives a router that stops and a Redis that comes back empty', async t => {
  const redis = await startRedis(t)
  const folder = folderFor(t)
  const post = ({ controlUrl }: Meridian, path: string, body: object) =>
    fetch(`${controlUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const first = await startRouter(t, redis, folder, [tokyo, london])
  t.ok((await post(first, '/v1/regions/london/drain', { reason: 'moving out' })).ok)
  t.ok((await post(first, '/v1/fleet/mode', { mode: 'distance-only' })).ok)
  const made = await post(first, '/v1/tokens', { name: 'colleague' })
  const { token: secret } = (await made.json()) as { token: string }
  await first.close(0)
  t.notOk(readFileSync(join(folder, 'last.json'), 'utf8').includes(secret), 'only a hash is kept')
  t.equal(statSync(join(folder, 'last.json')).mode & 0o777, 0o600)
  await redis.kill()
  await redis.start()

  const said = async (router: Meridian) => ({
    drain: redis.cli('HGET', '{meridian:default}:drains', 'london').includes('moving out'),
    mode: redis.cli('HGET', '{meridian:default}:meta', 'mode'),
    status: (await fetch(`${router.controlUrl}/v1/tokens`, { headers: { authorization: `Bearer ${secret}` } })).status,
  })
  const second = await startRouter(t, redis, folder, [tokyo, london])
  t.same(
    await eventually(
      () => said(second),
      ({ status }) => status === 200,
    ),
    { drain: true, mode: 'distance-only', status: 200 },
  )
  t.equal(await routeOf(second), 'tokyo', 'drained regions get nobody')
  t.equal(second.log.filter(line => line.includes('put back from disk')).length, 1, 'and the log says so once')
})

t.test('region files count at once while Redis is away, at the start and when they change', async t => {
  const redis = await startRedis(t)
  await redis.kill()
  const folder = folderFor(t)
  mkdirSync(join(folder, 'regions'))
  const { url: publicUrl } = await startHttpRegion(t, (_request, response) => response.end('served'))
  const write = (region: Region) =>
    writeFileSync(join(folder, 'regions', `${region.id}.json`), JSON.stringify({ ...region, endpoints: { publicUrl } }))
  write(tokyo)
  const more = `
regions: { directory: ${join(folder, 'regions')} }
rules: [{ name: default, transport: proxy }]`
  const router = await startRouter(t, redis, folder, undefined, more, '10.9.8.7')
  const served = async () => (await fetch(router.dataUrls[0]!, { headers: { 'x-forwarded-for': british } })).text()
  t.equal(await routeOf(router), 'tokyo')
  t.equal(await served(), 'served', 'where a file says, although it is no allowed endpoint')

  write(london)
  await router.reload()
  t.equal(await routeOf(router), 'london', 'a new file')
  t.equal(await served(), 'served')
  rmSync(join(folder, 'regions', 'london.json'))
  await router.reload()
  t.equal(await routeOf(router), 'tokyo', 'a file that is gone')
})

t.test('a Redis that is full ends no lease, says so, and leases count again once it has room', async t => {
  const redis = await startRedis(t)
  const router = await startRouter(t, redis, folderFor(t), [tokyo])
  const stop = keepAlive(t, router, london)
  await eventually(
    () => routeOf(router),
    region => region === 'london',
  )
  const troubled = async () =>
    /^meridian_store_trouble_info\{trouble="refuses-writes"\} 1$/m.test(
      await (await fetch(`${router.controlUrl}/metrics`)).text(),
    )
  redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  stop()
  const answers = new Set<unknown>()
  const since = performance.now()
  do answers.add(await routeOf(router))
  while (performance.now() - since < 2.5 * leaseMs)
  t.same([...answers], ['london'], 'the only one that ever registered, for two leases and a half')
  t.match(await json(`${router.controlUrl}/v1/fleet`), { writeFault: /OOM/, regions: { up: 2 } })
  t.match(await readyOf(router), { ready: true, reasons: [/refused, so no lease lapses: Redis at .*OOM/] })
  t.ok(await troubled())
  t.match(router.log.join(''), /OOM.*registrations and heartbeats are refused, no lease lapses/)

  redis.cli('CONFIG', 'SET', 'maxmemory', '0')
  t.equal(
    await eventually(
      () => routeOf(router),
      region => region === 'tokyo',
    ),
    'tokyo',
    'it is still silent',
  )
  t.notOk(await troubled())
  t.notOk('writeFault' in (await json(`${router.controlUrl}/v1/fleet`)))
  t.match(router.log.join(''), /the store takes writes again/)
})

t.test('a Redis that must not be used stops the start', async t => {
  const redis = await startRedis(t, ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'])
  await t.rejects(startRouter(t, redis, folderFor(t), [tokyo]), { code: 'STORE_UNSUITABLE', message: /noeviction/ })
})
