/** What routers tell each other through a real Redis, and how one notices that nobody can write. */

import t, { type Test } from 'tap'
import type { RedisStore, RedisStoreOptions } from '../../src/regions/redis-store.ts'
import type { RouterPresence } from '../../src/regions/router-presence.ts'
import { realClock } from '../support/clocks.ts'
import { exampleRegion } from '../support/example-region.ts'
import { createRecorder } from '../support/recorder.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { openRedisStore } from '../support/redis-stores.ts'

const key = '{meridian:test}:routers'

function presenceOf(id: string, port = 8081): RouterPresence {
  const listeners = [{ role: 'control', address: '127.0.0.1', port }] as const
  return { id, machine: 'here', startedAt: 1, listeners, addresses: ['127.0.0.1', '10.0.0.1'] }
}

async function open(t: Test, server: RedisServer, options: Partial<RedisStoreOptions>): Promise<RedisStore> {
  const store = openRedisStore(t, server.target, options)
  await store.join()
  return store
}

const openRouter = (t: Test, server: RedisServer, id: string, more: Partial<RedisStoreOptions> = {}) =>
  open(t, server, { presence: () => presenceOf(id), ...more })

const idsOf = async (store: RedisStore) => (await store.read()).routers?.map(({ id }) => id)

t.test('every reading brings the other routers along, as they said last', async t => {
  const redis = await startRedis(t)
  let port = 7000
  const one = await openRouter(t, redis, 'one')
  const other = await openRouter(t, redis, 'other', {
    presence: () => presenceOf('other', ++port),
    clock: { ...realClock, now: () => realClock.now() + port * 1_000 },
  })
  const silent = await open(t, redis, {})
  t.same(await idsOf(one), [], 'not itself')
  t.same(await idsOf(other), ['one'])
  t.same((await one.read()).routers, [presenceOf('other', port)])
  await other.read()
  t.same((await one.read()).routers, [presenceOf('other', port)], 'another listener by now')
  t.same((await idsOf(silent))?.sort(), ['one', 'other'])
  t.equal(redis.cli('HLEN', key), '2', 'who says nothing is not there')
  t.ok(Number(redis.cli('PTTL', key)) > 0, 'and a fleet without routers leaves nothing behind')
})

t.test(
  'a router that is not heard of is believed a while longer, and an empty Redis makes nobody a stranger',
  async t => {
    const redis = await startRedis(t)
    let late = 0
    const clock = { ...realClock, now: () => realClock.now() + late }
    const one = await openRouter(t, redis, 'one', { clock })
    const other = await openRouter(t, redis, 'other')
    await other.read()
    t.same(await idsOf(one), ['other'])
    await other.close()
    redis.cli('DEL', key)
    late = 600_000
    t.same(await idsOf(one), ['other'], 'however long nothing was read')
    late += 9_000
    t.same(await idsOf(one), ['other'])
    late += 2_000
    t.same(await idsOf(one), [])
  },
)

t.test('who has said nothing for ten seconds is passed over, and cleared away by whoever speaks next', async t => {
  const redis = await startRedis(t)
  const [seconds] = redis.cli('TIME').split('\n')
  const put = (id: string, age: number) =>
    redis.cli('HSET', key, `${id}:1`, `${(Number(seconds) - age) * 1_000} ${JSON.stringify(presenceOf(id))}`)
  put('gone', 30)
  put('late', 3)
  const silent = await open(t, redis, {})
  t.same(await idsOf(silent), ['late'])
  await idsOf(await openRouter(t, redis, 'one'))
  t.equal(redis.cli('HEXISTS', key, 'gone:1'), '0')
  t.equal(redis.cli('HEXISTS', key, 'late:1'), '1')
})

t.test('what is no presence is left out, and told once', async t => {
  const redis = await startRedis(t)
  const warnings: string[] = []
  const one = await openRouter(t, redis, 'one', { onWarning: message => warnings.push(message) })
  const now = () => Number(redis.cli('TIME').split('\n')[0]) * 1_000
  const { id, ...nameless } = presenceOf('x')
  const wrong = [
    'no JSON',
    JSON.stringify(nameless),
    JSON.stringify({ ...presenceOf('x'), listeners: [{ role: 'control', address: 'here', port: 1 }] }),
    JSON.stringify({ ...presenceOf('x'), addresses: Array(10_000).fill('10.0.0.1') }),
  ]
  for (const [place, text] of wrong.entries()) redis.cli('HSET', key, `x:${place}`, `${now()} ${text}`)
  redis.cli('HSET', key, 'y:1', 'neither')
  redis.cli('HSET', key, 'later:1', `${now()} ${JSON.stringify({ ...presenceOf('later'), sums: [1] })}`)
  t.same(await idsOf(one), ['later'], 'a later router may say more')
  for (const [place, text] of wrong.entries()) redis.cli('HSET', key, `x:${place}`, `${now()} ${text}`)
  t.same(await idsOf(one), ['later'])
  t.equal(warnings.length, wrong.length)
  t.match(warnings.join('\n'), /router "x:2".*"here", which is no address/)
})

t.test('two routers of one name are told so, one that was started again is not', async t => {
  const redis = await startRedis(t)
  const warnings: string[] = []
  const onWarning = (message: string) => warnings.push(message)
  const first = await openRouter(t, redis, 'router-1')
  await first.read()
  await first.close()
  let late = 0
  const clock = { ...realClock, now: () => realClock.now() + late }
  const again = await openRouter(t, redis, 'router-1', { onWarning })
  await again.read()
  await again.read()
  t.same(warnings, [])
  const twin = await openRouter(t, redis, 'router-1', { clock })
  do {
    late += 1_000
    await twin.read()
    await again.read()
  } while (warnings.length === 0)
  await again.read()
  t.same(warnings, ['another router of this fleet is called "router-1", too: give each its own router.id'])
  t.same(await idsOf(twin), ['router-1', 'router-1'], 'and each is known all the same')
})

t.test('a store that can be read and takes no writes is noticed without anybody’s heartbeat', async t => {
  for (const [setting, ill, well, said] of [
    ['maxmemory', '1', '0', /OOM/],
    ['min-replicas-to-write', '1', '0', /NOREPLICAS/],
  ] as const) {
    const redis = await startRedis(t)
    let late = 0
    const one = await openRouter(t, redis, 'one', { clock: { ...realClock, now: () => realClock.now() + late } })
    t.equal((await one.read()).writeFault, undefined)
    redis.cli('CONFIG', 'SET', setting, ill)
    late += 1_000
    t.match((await one.read()).writeFault, said)
    t.match((await one.read()).writeFault, said, 'as long as it is so')
    redis.cli('CONFIG', 'SET', setting, well)
    t.equal((await one.read()).writeFault, undefined, 'and no longer')
  }
})

t.test('before a lapse counts it is known whether the lease could have been renewed', async t => {
  const redis = await startRedis(t)
  const one = await openRouter(t, redis, 'one', { leaseMs: 300 })
  const lapsed = createRecorder<string>()
  one.watch(({ kind }) => lapsed.note(kind))
  await one.register(exampleRegion('a'))
  t.equal((await one.read()).writeFault, undefined)
  redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  await lapsed.until(kinds => kinds.includes('lapsed'))
  t.match(await one.read(), { writeFault: /OOM/, records: [{ region: { id: 'a' } }] })
})
