/** Whole routers that share a fleet through a real Redis, which comes, goes, hangs and forgets. */

import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import type { Region } from '../../src/regions/region.ts'
import { type Meridian, startMeridian } from '../../src/runtime/meridian.ts'
import { exampleRegion } from '../support/example-region.ts'
import { startHttpRegion } from '../support/http-region.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

const token = 'the-token-of-the-tests'
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
const british = '81.2.69.142'
const leaseMs = 1_000

const london = exampleRegion('london', {
  coordinates: { latitude: 51.5, longitude: -0.1 },
  endpoints: { publicUrl: 'http://127.0.0.1:1' },
})
const tokyo = exampleRegion('tokyo', {
  coordinates: { latitude: 35.7, longitude: 139.7 },
  endpoints: { publicUrl: 'http://127.0.0.1:2' },
})

interface Router extends Meridian {
  /** Lines of the log, as JSON. */
  readonly log: readonly string[]
}

/**
 * @param folder for the snapshot on disk
 * @param regions undefined: from files, of a folder that `more` names
 */
async function startRouter(
  t: Test,
  redis: RedisServer,
  folder: string,
  regions: readonly Region[] | undefined,
  more = '',
  allowed = '127.0.0.0/8',
) {
  const settings = `
router: { id: router-${folder.length}-${routers++} }
http: { listen: [{ address: 127.0.0.1, port: 0 }], trustedProxies: [127.0.0.0/8] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: [${allowed}]
  tokens: [{ name: ops, sha256: ${createHash('sha256').update(token).digest('hex')} }]
lease: { duration: ${leaseMs}ms }
routing: { snapshotEvery: 100ms }
redis: { url: "redis://127.0.0.1:${redis.port}", timeout: 300ms, snapshotFile: ${join(folder, 'last.json')} }
${more}`
  const log: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => log.push(line) })
  const router = await startMeridian(parseConfig(settings, undefined, {}), {
    ...(regions && { regions }),
    log: logger,
  })
  t.teardown(() => router.close(0))
  return { ...router, log } satisfies Router
}
let routers = 0

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-fleet-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Asks again until the answer is as wanted: for what routers do by themselves, in their own time. */
async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const json = async (url: string) => (await fetch(url)).json() as Promise<Record<string, unknown>>
const routeOf = async ({ controlUrl }: Meridian) => (await json(`${controlUrl}/v1/route?ip=${british}`))['region']
const readyOf = ({ controlUrl }: Meridian) => json(`${controlUrl}/readyz`)

async function register({ controlUrl }: Meridian, region: Region) {
  const body = JSON.stringify(region)
  const answer = await fetch(`${controlUrl}/v1/regions/${region.id}`, { method: 'PUT', headers, body })
  return { status: answer.status, ...((await answer.json()) as { epoch?: number; code?: string }) }
}

async function beat({ controlUrl }: Meridian, id: string, epoch: number, sequence: number): Promise<number> {
  const body = JSON.stringify({ epoch, sequence })
  const answer = await fetch(`${controlUrl}/v1/regions/${id}/heartbeat`, { method: 'POST', headers, body })
  await answer.text()
  return answer.status
}

/** Keeps a region registered as an agent does: a beat every now and then, a registration when it is unknown. */
function keepAlive(t: Test, router: Meridian, region: Region) {
  let epoch = 0
  let sequence = 0
  let stopped = false
  const turn = async (): Promise<void> => {
    if (stopped) return
    const status = epoch === 0 ? 404 : await beat(router, region.id, epoch, ++sequence).catch(() => 0)
    if (status === 404 || status === 409)
      epoch = (await register(router, region).catch(() => ({ epoch: 0 }))).epoch ?? 0
    setTimeout(turn, 100)
  }
  const stop = (): void => {
    stopped = true
  }
  t.teardown(stop)
  void turn()
  return stop
}

t.test('a region that registers with one router serves from all, and falls silent on all', async t => {
  const redis = await startRedis(t)
  const [one, other] = [
    await startRouter(t, redis, folderFor(t), [tokyo]),
    await startRouter(t, redis, folderFor(t), [tokyo]),
  ]
  const stop = keepAlive(t, one, london)
  for (const router of [one, other])
    t.equal(
      await eventually(
        () => routeOf(router),
        region => region === 'london',
      ),
      'london',
    )
  await fetch(`${other.controlUrl}/v1/regions/london/drain`, { method: 'POST', headers, body: '{}' })
  for (const router of [one, other])
    t.equal(
      await eventually(
        () => routeOf(router),
        region => region === 'tokyo',
      ),
      'tokyo',
    )
  await fetch(`${one.controlUrl}/v1/regions/london/undrain`, { method: 'POST', headers, body: '{}' })
  for (const router of [one, other])
    await eventually(
      () => routeOf(router),
      region => region === 'london',
    )
  stop()
  for (const router of [one, other])
    t.equal(
      await eventually(
        () => routeOf(router),
        region => region === 'tokyo',
      ),
      'tokyo',
    )
  t.match(await json(`${other.controlUrl}/v1/explain?ip=${british}`), {
    rejected: [{ region: 'london', kind: 'doubtful', reason: 'lease' }],
  })
})

t.test('without Redis a router starts from its files, says so, and joins when Redis comes', async t => {
  const redis = await startRedis(t)
  await redis.kill()
  const router = await startRouter(t, redis, folderFor(t), [tokyo])
  t.equal(await routeOf(router), 'tokyo')
  t.match(await readyOf(router), {
    ready: true,
    reasons: [/^deciding from what was last known.*Redis at 127\.0\.0\.1/],
  })
  t.match(router.log.join(''), /starting from 1 regions? of region files/)
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

t.test('a frozen fleet stays as it is on every router', async t => {
  const redis = await startRedis(t)
  const [one, other] = [
    await startRouter(t, redis, folderFor(t), [tokyo]),
    await startRouter(t, redis, folderFor(t), [tokyo]),
  ]
  const stop = keepAlive(t, one, london)
  await eventually(
    () => routeOf(other),
    region => region === 'london',
  )
  const brake = (mode: string) =>
    fetch(`${one.controlUrl}/v1/fleet/mode`, { method: 'POST', headers, body: JSON.stringify({ mode }) })
  t.ok((await brake('frozen')).ok)
  const modeOf = async () =>
    (await json(`${other.controlUrl}/v1/explain?ip=${british}`))['snapshot'] as { mode?: string }
  await eventually(modeOf, ({ mode }) => mode === 'frozen')
  stop()
  const ended = async () => {
    const { regions } = (await json(`${other.controlUrl}/v1/regions`)) as {
      regions: { id: string; lease?: { expiresInMs: number } }[]
    }
    return regions.find(({ id }) => id === 'london')!.lease!.expiresInMs
  }
  await eventually(ended, left => left < -300)
  t.equal(await routeOf(other), 'london', 'silent, and still there')
  t.ok((await brake('auto')).ok)
  t.equal(
    await eventually(
      () => routeOf(other),
      region => region === 'tokyo',
    ),
    'tokyo',
  )
})
