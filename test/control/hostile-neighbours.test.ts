/** Two whole routers on one Redis: nobody can make one of them call the other, or Redis, by a registration or by what it is sent to. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import { type Meridian, startMeridian } from '../../src/runtime/meridian.ts'
import { exampleRegion } from '../support/example-region.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { type HostileCall, neighbourCalls, redisCalls, wideToken } from './hostile-calls.ts'

async function startRouter(t: Test, redis: RedisServer, id: string, controlPort = 0): Promise<Meridian> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-neighbours-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const settings = `
router: { id: ${id} }
http: { listen: [{ address: 0.0.0.0, port: 0 }], trustedProxies: [127.0.0.0/8] }
control:
  listen: { address: 127.0.0.1, port: ${controlPort} }
  allowedEndpoints: [127.0.0.0/8, localhost, "*.example.com"]
  tokens: [{ name: wide, sha256: ${createHash('sha256').update(wideToken).digest('hex')}, rights: [report] }]
routing: { snapshotEvery: 100ms }
health: { interval: 100ms, recheck: 100ms }
rules: [{ name: default, transport: proxy }]
redis: { url: "redis://127.0.0.1:${redis.port}", timeout: 300ms, snapshotFile: ${join(folder, 'last.json')} }`
  const router = await startMeridian(parseConfig(settings, undefined, {}), {
    regions: [],
    log: pino({ level: 'silent' }),
  })
  t.teardown(() => router.close(0))
  return router
}

const portOf = (url: string | undefined) => Number(new URL(url!).port)

async function register({ controlUrl }: Meridian, id: string, publicUrl: string, isProbed = false) {
  const body = JSON.stringify(
    exampleRegion(id, { endpoints: { publicUrl, ...(isProbed && { probe: { path: '/', status: 200 } }) } }),
  )
  const headers = { authorization: `Bearer ${wideToken}`, 'content-type': 'application/json' }
  const answer = await fetch(`${controlUrl}/v1/regions/${id}`, { method: 'PUT', headers, body })
  return { status: answer.status, ...((await answer.json()) as { detail?: string }) }
}

async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** Once each knows the other: what is told about once a second cannot be waited for otherwise. */
const untilKnown = (router: Meridian, url: string) =>
  eventually(
    () => register(router, 'edge-known', url),
    ({ status }) => status === 403,
  )

async function statusOf(router: Meridian, { bytes }: HostileCall): Promise<number> {
  const socket = connect(portOf(router.controlUrl), '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return Number(text.split(' ', 2)[1])
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

t.test('a registration that leads to a listener of the other router is refused, without Redis, too', async t => {
  const redis = await startRedis(t)
  const [one, other] = [await startRouter(t, redis, 'one'), await startRouter(t, redis, 'other')]
  const pairs = [
    [one, other],
    [other, one],
  ] as const
  for (const [router, neighbour] of pairs) {
    const { detail } = await untilKnown(router, neighbour.controlUrl)
    t.match(detail, /http:\/\/127\.0\.0\.1:\d+" is router "(?:one|other)" of this fleet/)
  }
  const refuseAll = async (when: string): Promise<void> => {
    for (const [router, neighbour] of pairs)
      for (const url of [neighbour.controlUrl, neighbour.dataUrls[0]])
        for (const call of neighbourCalls(portOf(url)))
          t.ok(call.statuses.includes(await statusOf(router, call)), `${when}: ${call.name}`)
  }
  await refuseAll('both')
  t.match(
    await register(one, 'edge-far', `http://127.0.0.2:${portOf(other.dataUrls[0])}`),
    { status: 403 },
    'it listens there, too',
  )
  t.equal(
    (await register(one, 'edge-far', `http://127.0.0.2:${portOf(other.controlUrl)}`)).status,
    201,
    'and not there',
  )

  await redis.kill()
  await refuseAll('without Redis')
})

t.test(
  'a registration that leads to Redis is refused, on all addresses of its machine, and without it, too',
  async t => {
    const redis = await startRedis(t)
    const one = await startRouter(t, redis, 'one')
    const refuseAll = async (when: string): Promise<void> => {
      for (const call of redisCalls(redis.port))
        t.ok(call.statuses.includes(await statusOf(one, call)), `${when}: ${call.name}`)
    }
    await refuseAll('with Redis')
    const url = `http://127.0.0.1:${redis.port}`
    t.match(await register(one, 'edge-redis', url), {
      status: 403,
      detail: `region "edge-redis": endpoints.publicUrl: "${url}" is the Redis of this fleet`,
    })
    await redis.kill()
    await refuseAll('without Redis')
  },
)

t.test('a region that somebody wrote into Redis itself is not connected to where it leads there', async t => {
  const redis = await startRedis(t)
  const one = await startRouter(t, redis, 'one')
  const port = await freePort()
  t.equal((await register(one, 'edge-written', `http://127.0.0.1:${port}`, true)).status, 201)
  const key = '{meridian:default}:regions'
  const spec = redis.cli('HGET', key, 'edge-written').trim()
  redis.cli('HSET', key, 'edge-written', spec.replace(`:${port}`, `:${redis.port}`))
  redis.cli('HINCRBY', '{meridian:default}:meta', 'specs', '1')
  const detail = await eventually(
    async () =>
      ((await (await fetch(`${one.controlUrl}/v1/regions/edge-written`)).json()) as { detail: string }).detail,
    words => words.includes('Redis'),
  )
  t.match(detail, new RegExp(`may not be connected to: 127.0.0.1 port ${redis.port} is the Redis of this fleet`))
})

t.test(
  'a region that was there before the router is neither probed nor sent anybody, whatever its name resolves to',
  async t => {
    const redis = await startRedis(t)
    const one = await startRouter(t, redis, 'one')
    const port = await freePort()
    const ids = ['edge-address', 'edge-name']
    t.equal((await register(one, ids[0]!, `http://127.0.0.1:${port}`, true)).status, 201)
    t.equal((await register(one, ids[1]!, `http://localhost:${port}`, true)).status, 201)
    const other = await startRouter(t, redis, 'other', port)
    const detailOf = async (id: string) =>
      ((await (await fetch(`${one.controlUrl}/v1/regions/${id}`)).json()) as { detail: string }).detail
    for (const id of ids)
      t.match(
        await eventually(
          () => detailOf(id),
          detail => detail.includes('of this fleet'),
        ),
        new RegExp(`may not be connected to: .*port ${port} is router "other" of this fleet`),
      )
    const answer = await fetch(one.dataUrls[0]!.replace('0.0.0.0', '127.0.0.1'), {
      headers: { 'x-forwarded-for': '81.2.69.142' },
    })
    t.equal(answer.status, 502)
    t.equal(portOf(other.controlUrl), port)
  },
)
