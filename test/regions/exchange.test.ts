/** What the exchange of every store keeps, and what only routers that share a store can do with it. */

import t, { type Test } from 'tap'
import type { FleetExchange } from '../../src/regions/exchange.ts'
import { createMemoryStore } from '../../src/regions/memory-store.ts'
import type { RedisStore, RedisStoreOptions } from '../../src/regions/redis-store.ts'
import type { RouterPresence } from '../../src/regions/router-presence.ts'
import type { DemandSums, FlightSums } from '../../src/regions/router-sums.ts'
import type { RegionStore } from '../../src/regions/store.ts'
import { realClock } from '../support/clocks.ts'
import { eventually } from '../support/eventually.ts'
import { startRedis } from '../support/redis-server.ts'
import { openRedisStore } from '../support/redis-stores.ts'

const redis = await startRedis(t)
let fleets = 0

function presenceOf(id: string): () => RouterPresence {
  return () => ({ id, machine: 'here', startedAt: 1, listeners: [], addresses: [] })
}

async function openRouter(t: Test, id: string, fleet: string, options: Partial<RedisStoreOptions> = {}) {
  const store = openRedisStore(t, redis.target, { fleet, presence: presenceOf(id), ...options })
  await store.join()
  return store
}

const flights = (open: Record<string, number>, more: Partial<FlightSums> = {}): FlightSums => {
  return { open, modelled: {}, sentPerSecond: 0, answersPerSecond: 0, ...more }
}
const wants = (rule: string, requestsPerSecond = 1): DemandSums => {
  return { demand: [{ rule, latitude: 52, longitude: 5, country: 'NL', requestsPerSecond }], restPerSecond: 0 }
}
const tolls = (ms: Record<string, number>) => new Map(Object.entries(ms))
const tollsOf = async (store: RegionStore) => Object.fromEntries((await store.read()).tolls?.byRegion ?? [])
const rulesOf = async (exchange: FleetExchange) =>
  (await exchange.demands()).flatMap(({ demand }) => demand.map(({ rule }) => rule)).sort()

for (const [name, open] of [
  ['memory store', async () => createMemoryStore({ clock: realClock, leaseMs: 1_000, router: 'one' })],
  ['redis store', (t: Test) => openRouter(t, 'one', `alone-${fleets++}`)],
] as const) {
  t.test(`${name}: a router that is alone hears nobody, leads, and sets tolls`, async t => {
    const store: RegionStore = await open(t)
    const { exchange } = store
    t.same(await exchange.share(flights({ a: 1 }), wants('mine')), [])
    t.same(await exchange.demands(), [], 'not itself')
    t.same([(await store.read()).leader, (await store.read()).tolls], [undefined, undefined])

    t.notOk(await exchange.setTolls(1, tolls({ a: 9 })), 'who does not lead sets nothing')
    t.same(await tollsOf(store), {})
    const term = (await exchange.lead(60_000))!
    t.equal(await exchange.lead(60_000), term, 'keeping the lead is no new term')
    t.ok(await exchange.setTolls(term, tolls({ a: 12.25, b: 0.5 })))
    t.notOk(await exchange.setTolls(term + 1, tolls({ a: 9 })), 'nor who leads in another term')
    const { now, tolls: read, leader } = await store.read()
    t.equal(leader, 'one')
    t.same({ ...read, setAt: 0 }, { byRegion: tolls({ a: 12.25, b: 0.5 }), term, setAt: 0 })
    t.ok(read!.setAt <= now && now - read!.setAt < 60_000, 'on the clock of the store')

    await exchange.leave()
    t.equal((await store.read()).leader, undefined)
    t.notOk(await exchange.setTolls(term, tolls({ a: 9 })))
    t.same(await tollsOf(store), { a: 12.25, b: 0.5 }, 'its tolls outlive the lead')
    await store.close()
  })
}

t.test('each router hears the others, as they said last', async t => {
  const open = (id: string) => openRouter(t, id, 'talk')
  const [one, other, third] = [await open('one'), await open('other'), await open('third')]
  const said = flights({ a: 3, zero: 0 }, { modelled: { b: 1.23456 }, sentPerSecond: 7, answersPerSecond: 0.5 })
  t.same(await one.exchange.share(said, wants('of one')), [])
  const [heard] = await other.exchange.share(flights({ a: 1 }))
  t.same({ ...heard!.open }, { a: 3 }, 'nothing is said of regions without requests')
  t.same({ ...heard!.modelled }, { b: 1.235 })
  t.match(heard, { sentPerSecond: 7, answersPerSecond: 0.5 })
  t.equal(heard!.open['constructor'], undefined, 'a region may have any name')
  const openOf = (heard: readonly FlightSums[]) => heard.map(({ open }) => open['a']).sort()
  t.same(openOf(await third.exchange.share(flights({}), wants('of the third'))), [1, 3])
  await one.exchange.share(flights({ a: 4 }))
  t.same(openOf(await third.exchange.share(flights({}))), [1, 4])
  t.same(await rulesOf(other.exchange), ['of one', 'of the third'], 'what is asked for stays until it is said anew')
  t.same(await rulesOf(one.exchange), ['of the third'])
  await one.exchange.leave()
  t.same(openOf(await third.exchange.share(flights({}))), [1], 'who leaves is gone at once')
  t.same(await rulesOf(other.exchange), ['of the third'])
})

t.test('audiences come over as they were sent, but for digits that mean nothing', async t => {
  const [one, other] = [await openRouter(t, 'one', 'audiences'), await openRouter(t, 'other', 'audiences')]
  const demand: DemandSums['demand'] = [
    { rule: 'r', latitude: -34, longitude: 151, country: 'AU', requestsPerSecond: 12.345678 },
    { rule: 'r', latitude: 52, longitude: 5, requestsPerSecond: 0.0001 },
    { rule: 'r', requestsPerSecond: 3 },
    { rule: 'r', capability: 'gpt "ä"', family: 6, country: 'DE', requestsPerSecond: 4 },
  ]
  const endless = { rule: 'r', capability: 'x'.repeat(5_000), requestsPerSecond: 1 }
  await one.exchange.share(flights({}), { demand: [...demand, endless], restPerSecond: 0.25 })
  const rounded = [{ ...demand[0]!, requestsPerSecond: 12.35 }, ...demand.slice(1)]
  t.same(await other.exchange.demands(), [{ demand: rounded, restPerSecond: 0.25 }])
  const many = Array.from({ length: 1_000 }, (_, i) => {
    return { rule: 'default', latitude: i % 90, longitude: i % 180, country: 'US', requestsPerSecond: 1.5 }
  })
  await one.exchange.share(flights({}), { demand: many, restPerSecond: 0 })
  t.equal((await other.exchange.demands())[0]!.demand.length, 1_000)
  const bytes = Number(
    redis.cli('HSTRLEN', '{meridian:audiences}:demand', redis.cli('HKEYS', '{meridian:audiences}:demand')),
  )
  t.ok(bytes < 25_000, `a thousand audiences take ${bytes} bytes`)
})

t.test('who is silent is not heard any more, and cleared away', async t => {
  const one = await openRouter(t, 'one', 'silence')
  const put = (key: string, name: string, ageMs: number, text: string) => {
    const [seconds] = redis.cli('TIME').split('\n')
    redis.cli('HSET', `{meridian:silence}:${key}`, name, `${Number(seconds) * 1_000 - ageMs} ${text}`)
  }
  const sums = JSON.stringify(flights({ a: 1 }))
  put('sums', 'late:1', 0, sums)
  put('sums', 'gone:1', 3_500, sums)
  put('sums', 'tomorrow:1', -86_400_000, sums)
  t.equal((await one.exchange.share(flights({}))).length, 1)
  t.same(
    ['late:1', 'gone:1', 'tomorrow:1'].map(name => redis.cli('HEXISTS', '{meridian:silence}:sums', name)),
    ['1', '0', '0'],
  )
  const demand = '{"audiences":[{"rule":"r","cells":[[1,2,"DE",3]]}],"restPerSecond":0}'
  put('demand', 'late:1', 2_000, demand)
  put('demand', 'gone:1', 9_500, demand)
  t.same(await rulesOf(one.exchange), ['r'])
  t.equal(redis.cli('HEXISTS', '{meridian:silence}:demand', 'gone:1'), '0')
  t.ok(Number(redis.cli('PTTL', '{meridian:silence}:sums')) > 0, 'and a fleet without routers leaves nothing behind')
})

t.test('nonsense of another router is left out, and told once', async t => {
  const warnings: string[] = []
  const one = await openRouter(t, 'one', 'nonsense', { onWarning: message => warnings.push(message) })
  const other = await openRouter(t, 'other', 'nonsense')
  await other.exchange.share(flights({ a: 1 }), wants('good'))
  const now = () => Number(redis.cli('TIME').split('\n')[0]) * 1_000
  const put = (key: string, text: string, index: number) =>
    redis.cli('HSET', `{meridian:nonsense}:${key}`, `x${index}:1`, `${now()} ${text}`)
  const good = flights({})
  const sums = [
    'no JSON',
    '[]',
    JSON.stringify({ ...good, open: { a: -1 } }),
    JSON.stringify({ ...good, open: { a: 1e10 } }),
    JSON.stringify({ ...good, open: { 'No Region': 1 } }),
    '{"open":{"__proto__":1},"modelled":{},"sentPerSecond":0,"answersPerSecond":0}',
    JSON.stringify({ ...good, modelled: { a: null } }),
    JSON.stringify({ ...good, sentPerSecond: '7' }),
  ]
  const audience = { rule: 'r', cells: [[1, 2, 'DE', 3]] }
  const demand = [
    'no JSON',
    JSON.stringify({ audiences: [{ ...audience, cells: [[91, 2, 'DE', 3]] }], restPerSecond: 0 }),
    JSON.stringify({ audiences: [{ ...audience, cells: [[1, 2, 'DE', -3]] }], restPerSecond: 0 }),
    JSON.stringify({ audiences: [{ ...audience, cells: [[1, 2, 'DE']] }], restPerSecond: 0 }),
    JSON.stringify({ audiences: [{ ...audience, family: 5 }], restPerSecond: 0 }),
    JSON.stringify({ audiences: [audience] }),
  ]
  const tooLong = `redis.call('HSET', KEYS[1], 'long:1', ARGV[1] .. ' {"x":"' .. string.rep('x', 2 ^ 20) .. '"}')`
  for (const round of [1, 2]) {
    redis.cli('EVAL', tooLong, '1', '{meridian:nonsense}:sums', `${now()}`)
    sums.forEach((text, index) => void put('sums', `${text}${' '.repeat(round)}`, index))
    demand.forEach((text, index) => void put('demand', `${text}${' '.repeat(round)}`, index))
    t.same(
      (await one.exchange.share(flights({}))).map(({ open }) => ({ ...open })),
      [{ a: 1 }],
    )
    t.same(await rulesOf(one.exchange), ['good'])
  }
  t.equal(warnings.length, sums.length + 1 + demand.length)
  t.match(
    warnings.join('\n'),
    /the traffic of router "x2:1" in Redis is left out: open\.a: expected at least 0, not -1/,
  )
  t.match(warnings.join('\n'), /the demand of router "x1:1" in Redis is left out: .*expected at most 90, not 91/)
})

t.test('one leads; when it falls silent another takes over, in a later term', async t => {
  const [one, other] = [await openRouter(t, 'one', 'lead'), await openRouter(t, 'other', 'lead')]
  const first = (await one.exchange.lead(60_000))!
  t.equal(await other.exchange.lead(60_000), undefined)
  t.equal((await other.read()).leader, 'one')
  t.ok(await one.exchange.setTolls(first, tolls({ a: 1 })))
  t.notOk(await other.exchange.setTolls(first, tolls({ a: 2 })), 'the term alone is not enough')

  t.equal(await one.exchange.lead(300), first, 'its last word')
  await one.close()
  const second = await eventually(
    () => other.exchange.lead(60_000),
    term => term !== undefined,
  )
  t.ok(second! > first)
  t.same(await tollsOf(other), { a: 1 }, 'it goes on from these')
  t.ok(await other.exchange.setTolls(second!, tolls({ a: 3 })))
  t.match(await other.read(), { leader: 'other', tolls: { term: second } })

  const again = await openRouter(t, 'one', 'lead')
  t.equal(await again.exchange.lead(60_000), undefined, 'who led before asks like anybody')
  t.notOk(await again.exchange.setTolls(first, tolls({ a: 4 })), 'and cannot write in its old term')
  t.notOk(await again.exchange.setTolls(second!, tolls({ a: 4 })), 'nor in the term of another')
  t.same(await tollsOf(again), { a: 3 })
  await other.exchange.leave()
  t.ok((await again.exchange.lead(60_000))! > second!, 'a lead that was let go is free at once')
})

t.test('two routers of one name do not share the lead', async t => {
  const [one, twin] = [await openRouter(t, 'router-1', 'twins'), await openRouter(t, 'router-1', 'twins')]
  t.ok(await one.exchange.lead(60_000))
  t.equal(await twin.exchange.lead(60_000), undefined)
  await twin.exchange.leave()
  t.equal(await twin.exchange.lead(60_000), undefined, 'nor can one take it from the other')
})

t.test('tolls of an older term are passed over, until the newer ones have been silent too long', async t => {
  let late = 0
  const clock = { ...realClock, now: () => realClock.now() + late }
  const store = await openRouter(t, 'one', 'terms', { clock })
  const put = (term: number, json: string) => {
    const [seconds] = redis.cli('TIME').split('\n')
    redis.cli('SET', '{meridian:terms}:tolls', `${term} ${Number(seconds) * 1_000} ${json}`)
  }
  put(7, '{"a":7}')
  t.same(await tollsOf(store), { a: 7 })
  put(6, '{"a":6}')
  t.same(await tollsOf(store), { a: 7 })
  put(7, '{"a":7.5}')
  t.same(await tollsOf(store), { a: 7.5 })
  put(8, '{"a":8}')
  t.same(await tollsOf(store), { a: 8 })
  put(1, '{"a":1}')
  t.same(await tollsOf(store), { a: 8 })
  late = 12_000
  t.same(await tollsOf(store), { a: 1 }, 'a Redis that has forgotten all terms is believed again')
})

t.test('tolls that Redis has lost are still known, and age', async t => {
  let late = 0
  const clock = { ...realClock, now: () => realClock.now() + late }
  const store: RedisStore = await openRouter(t, 'one', 'lost', { clock })
  const term = (await store.exchange.lead(60_000))!
  await store.exchange.setTolls(term, tolls({ a: 5 }))
  await store.read()
  redis.cli('DEL', '{meridian:lost}:tolls', '{meridian:lost}:leader')
  late = 20_000
  const { now, tolls: read, leader } = await store.read()
  t.equal(leader, undefined)
  t.same(read!.byRegion, tolls({ a: 5 }))
  t.ok(now - read!.setAt >= 20_000 && now - read!.setAt < 80_000, `${now - read!.setAt} ms old`)
})

t.test('tolls and leads that are none are left out, and told once', async t => {
  const warnings: string[] = []
  const store = await openRouter(t, 'one', 'false-tolls', { onWarning: message => warnings.push(message) })
  const put = (text: string) => redis.cli('SET', '{meridian:false-tolls}:tolls', text)
  const wrong = [
    'nothing',
    '1 1 [1]',
    '1 1 {"a":-1}',
    '1 1 {"a":1e9}',
    '1 1 {"No Region":1}',
    '1 1 {"__proto__":1}',
    '-1 1 {"a":1}',
    '9999999999999999 1 {"a":1}',
    '1 1 {"a":',
  ]
  for (const text of wrong) {
    put(text)
    t.same([await tollsOf(store), await tollsOf(store)], [{}, {}], text)
  }
  t.equal(warnings.length, wrong.length)
  t.match(warnings.join('\n'), /^the tolls in Redis are left out: expected a term, a time and JSON, not "nothing"/)
  put('3 99999999999999 {"a":1}')
  const { now, tolls: read } = await store.read()
  t.ok(read!.setAt <= now, 'a time that is still to come is now')
  redis.cli('SET', '{meridian:false-tolls}:leader', '\u0007'.repeat(1_000))
  t.ok((await store.read()).leader!.length <= 80, 'and a name is never long')
})
