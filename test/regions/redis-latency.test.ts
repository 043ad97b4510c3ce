/** Measured round trips through a real Redis, from one router to the others. */

import t, { type Test } from 'tap'
import { createAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import { createRedisStore } from '../../src/regions/redis-store.ts'
import { realClock } from '../support/clocks.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'

async function join(t: Test, redis: RedisServer) {
  const store = createRedisStore({
    ...{ target: redis.target, fleet: 'test', keyPrefix: '', leaseMs: 10_000, clock: realClock, random: Math.random },
    allowedEndpoints: createAllowedEndpoints([]),
    onWarning: () => {},
  })
  t.teardown(() => store.close())
  await store.join()
  return store.latency
}

const sample = (region: string, rttMs = 10) => ({ network: '192.0.2.0/24', region, rttMs, weight: 2, source: 'ops' })

t.test('what one router takes the others hear of, once', async t => {
  const redis = await startRedis(t)
  const [a, b] = [await join(t, redis), await join(t, redis)]
  await a.publish([sample('one'), sample('two')])
  const first = await b.take(undefined)
  t.same(first.samples, [sample('one'), sample('two')])
  t.same((await b.take(first.position)).samples, [], 'not twice')
  t.same((await a.take(undefined)).samples, [], 'nobody hears of his own')
  await b.publish([sample('three')])
  t.same((await a.take(first.position)).samples, [sample('three')])
  const late = await join(t, redis)
  t.equal((await late.take(undefined)).samples.length, 3, 'who comes late hears what is kept')
})

t.test('much is told in batches, and little of it is kept', async t => {
  const redis = await startRedis(t)
  const [a, b] = [await join(t, redis), await join(t, redis)]
  await a.publish(Array.from({ length: 12_345 }, (_, i) => sample(`r${i}`)))
  const { samples } = await b.take(undefined)
  t.equal(samples.length, 12_345)
  t.equal(samples.at(-1)!.region, 'r12344')
  for (let round = 0; round < 600; round++) await a.publish([sample('x')])
  t.ok(Number(redis.cli('XLEN', '{meridian:test}:latency')) <= 300)
})

t.test('what is no batch is passed over', async t => {
  const redis = await startRedis(t)
  const [a, b] = [await join(t, redis), await join(t, redis)]
  const write = (text: string) => redis.cli('XADD', '{meridian:test}:latency', '*', 'from', 'x', 'samples', text)
  for (const text of ['[', '{}', '[{"network":1}]', JSON.stringify([{ ...sample('a'), rttMs: -1 }])]) write(text)
  await a.publish([sample('good')])
  t.same((await b.take(undefined)).samples, [sample('good')])
})

t.test('a Redis that is away says so', async t => {
  const redis = await startRedis(t)
  const a = await join(t, redis)
  await redis.kill()
  await t.rejects(a.publish([sample('x')]), { code: 'STORE_UNAVAILABLE' })
  await t.rejects(a.take(undefined), { code: 'STORE_UNAVAILABLE' })
})
