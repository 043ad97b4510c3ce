/** The shared store against a real server: the contract that every store keeps, and what only a shared one can do. */

import t, { type Test } from 'tap'
import { createAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import { createRedisStore, type RedisStore, type RedisStoreOptions } from '../../src/regions/redis-store.ts'
import type { FleetEvent } from '../../src/regions/store.ts'
import { realClock } from '../support/clocks.ts'
import { exampleRegion } from '../support/example-region.ts'
import { createRecorder } from '../support/recorder.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { testStoreContract } from './store-contract.ts'

const allowed = createAllowedEndpoints(['*.example.com'])

const shared = await startRedis(t)
let fleets = 0

testStoreContract('redis store', async ({ leaseMs }) => {
  const store = openStore(shared, { leaseMs, fleet: `contract-${fleets++}` })
  await store.join()
  return store
})

function openStore(server: RedisServer, options: Partial<RedisStoreOptions> = {}): RedisStore {
  return createRedisStore({
    target: server.target,
    fleet: 'test',
    keyPrefix: '',
    leaseMs: 600_000,
    clock: realClock,
    random: Math.random,
    allowedEndpoints: allowed,
    onWarning: () => {},
    ...options,
  })
}

function eventsOf(store: RedisStore) {
  const recorder = createRecorder<FleetEvent>()
  store.watch(event => recorder.note(event))
  const until = (kind: FleetEvent['kind']) => recorder.until(seen => seen.some(event => event.kind === kind))
  return { seen: recorder.seen, until }
}

/** Asks again until the answer is as wanted: for what a connection does by itself, in its own time. */
async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const outcomeOf = (action: Promise<unknown>) =>
  action.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )

async function open(t: Test, server: RedisServer, options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
  const store = openStore(server, options)
  t.teardown(() => store.close())
  await store.join()
  return store
}

t.test('routers share a fleet: what one is told, the others know', async t => {
  const [one, other] = [await open(t, shared, { fleet: 'shared' }), await open(t, shared, { fleet: 'shared' })]
  const events = eventsOf(other)
  await one.declare([exampleRegion('b', { name: 'from a file of one' })])
  const { epoch } = await one.register(exampleRegion('a'))
  await events.until('registered')
  await other.heartbeat('a', { epoch, sequence: 1, inflight: 3 })
  await other.drain('a', 'ops', 'kernel update')
  await one.setMode('frozen', 'ops with a space')
  await events.until('mode')
  t.match(await one.read(), {
    mode: 'frozen',
    records: [{ load: { inflight: 3 }, drain: { by: 'ops', reason: 'kernel update' } }, { source: 'file' }],
  })
  t.match((await other.read()).records, [{ region: { id: 'a' } }], 'files stay with their router')

  await other.declare([exampleRegion('a', { name: 'from a file of the other' })])
  await one.remove('a')
  await eventually(
    async () => events.seen.length,
    count => count >= 6,
  )
  t.match(events.seen, [
    { kind: 'registered', region: 'a' },
    { kind: 'reported', region: 'a' },
    { kind: 'draining', region: 'a' },
    { kind: 'mode', mode: 'frozen', by: 'ops with a space' },
    { kind: 'declared', region: 'a' },
    { kind: 'declared', region: 'a' },
  ])
  t.notOk((await one.read()).records.some(({ region }) => region.id === 'a'))
})

t.test('a lease that one router let lapse is renewed through another', async t => {
  const [one, other] = [
    await open(t, shared, { fleet: 'lapses', leaseMs: 300 }),
    await open(t, shared, { fleet: 'lapses', leaseMs: 300 }),
  ]
  const [events, otherEvents] = [eventsOf(one), eventsOf(other)]
  const { epoch } = await one.register(exampleRegion('a'))
  await other.read()
  await Promise.all([events.until('lapsed'), otherEvents.until('lapsed')])
  await other.heartbeat('a', { epoch, sequence: 1 })
  await events.until('renewed')
  const { now, records } = await one.read()
  t.ok(records[0]!.lease!.expiresAt > now)
})

t.test('keys and prefix are as documented, and the database number is used', async t => {
  const target = { ...shared.target, database: 3 }
  const store = await open(t, shared, { target, fleet: 'keys', keyPrefix: 'acme:' })
  const { epoch } = await store.register(exampleRegion('a'))
  await store.heartbeat('a', { epoch, sequence: 1 })
  await store.drain('a', 'ops', '')
  await store.audit.append({ at: 1, who: 'ops', action: 'drain', outcome: 'done' })
  t.same(shared.cli('-n', '3', 'KEYS', '*').split('\n').sort(), [
    'acme:{meridian:keys}:audit',
    'acme:{meridian:keys}:drains',
    'acme:{meridian:keys}:leases',
    'acme:{meridian:keys}:loads',
    'acme:{meridian:keys}:meta',
    'acme:{meridian:keys}:regions',
  ])
})

t.test('a fleet of the same name in another database is another fleet', async t => {
  const inDatabase = (database: number) => open(t, shared, { fleet: 'twin', target: { ...shared.target, database } })
  const [one, beside, other] = [await inDatabase(4), await inDatabase(4), await inDatabase(5)]
  const [eventsBeside, eventsOther] = [eventsOf(beside), eventsOf(other)]
  await one.register(exampleRegion('a'))
  await one.setMode('frozen', 'ops')
  await eventsBeside.until('mode')
  await other.setMode('distance-only', 'ops of the other')
  await eventsOther.until('mode')
  t.same(eventsOther.seen, [{ kind: 'mode', mode: 'distance-only', by: 'ops of the other' }])
  t.match(await other.read(), { mode: 'distance-only', records: [] })
})

t.test('a Redis that has lost a part of the registrations has lost them all, and says so', async t => {
  for (const lost of ['regions', 'leases']) {
    const fleet = `without-${lost}`
    const store = await open(t, shared, { fleet })
    await store.declare([exampleRegion('b')])
    const { epoch, revision } = await store.register(exampleRegion('a'))
    await store.drain('a', 'ops', 'kernel update')
    const { incarnation } = await store.read()
    shared.cli('DEL', `{meridian:${fleet}}:${lost}`)
    t.equal(await outcomeOf(store.heartbeat('a', { epoch, sequence: 1 })), 'REGION_UNKNOWN')
    const without = await store.read()
    t.not(without.incarnation, incarnation, 'so that routers keep for one lease what they knew')
    t.match(without.records, [{ region: { id: 'b' } }])
    t.equal((await store.read()).incarnation, without.incarnation, 'it is lost once')
    const again = await store.register(exampleRegion('a'))
    t.ok(again.epoch > epoch && again.revision > revision)
    t.equal(await outcomeOf(store.heartbeat('a', { epoch: again.epoch, sequence: 1 })), 'done')
    t.match((await store.read()).records, [{ region: { id: 'a' }, drain: { by: 'ops' }, load: { sequence: 1 } }, {}])
  }
})

t.test('regions are held against the list of allowed endpoints again when it has changed', async t => {
  const fleet = 'list'
  const writer = await open(t, shared, { fleet })
  for (const id of ['a', 'b'])
    await writer.register(exampleRegion(id, { endpoints: { publicUrl: `https://${id}.example.com` } }))
  const allowedEndpoints = createAllowedEndpoints(['a.example.com'])
  const reader = await open(t, shared, { fleet, allowedEndpoints })
  const ids = async () => (await reader.read()).records.map(({ region }) => region.id)
  t.same(await ids(), ['a'])
  allowedEndpoints.use(['b.example.com'])
  t.same(await ids(), ['b'])
  allowedEndpoints.use(['*.example.com'])
  t.same(await ids(), ['a', 'b'])
})

t.test('what does not pass the checks of the API is left out, and told once', async t => {
  const warnings: string[] = []
  const writer = await open(t, shared, { fleet: 'hostile' })
  for (const id of ['a', 'b', 'c', 'd', 'e', 'good']) await writer.register(exampleRegion(id))
  await writer.heartbeat('good', { epoch: (await writer.read()).records.at(-1)!.lease!.epoch, sequence: 1 })
  const put = (key: string, id: string, text: string) => shared.cli('HSET', `{meridian:hostile}:${key}`, id, text)
  const endpoints = { publicUrl: 'http://169.254.169.254' }
  put('regions', 'a', 'no JSON')
  put('regions', 'b', JSON.stringify({ ...exampleRegion('b'), endpoints }))
  put('regions', 'c', JSON.stringify(exampleRegion('other')))
  put('regions', 'd', JSON.stringify({ ...exampleRegion('d'), weight: -1 }))
  put('leases', 'e', 'tomorrow')
  put('loads', 'good', '1 {"epoch":1,"sequence":1,"cpu":7}')
  put('drains', 'good', '1 []')
  const reader = await open(t, shared, { fleet: 'hostile', onWarning: message => warnings.push(message) })
  const { records } = await reader.read()
  await reader.read()
  t.same(
    records.map(({ region, load, drain }) => [region.id, load, drain]),
    [['good', undefined, undefined]],
  )
  t.equal(warnings.length, 7)
  t.match(
    warnings.join('\n'),
    /specification of region "b" in Redis is left out:.*169\.254\.169\.254.*not among the allowed/,
  )
  t.match(warnings.join('\n'), /lease of region "e".*tomorrow/)
})

t.test('a fleet of a newer schema is refused, and left as it is', async t => {
  const store = await open(t, shared, { fleet: 'newer' })
  await store.register(exampleRegion('a'))
  shared.cli('HSET', '{meridian:newer}:meta', 'schema', '2')
  const late = openStore(shared, { fleet: 'newer' })
  t.teardown(() => late.close())
  for (const [what, action] of [
    ['join', () => late.join()],
    ['read', () => late.read()],
    ['write, though it joined before', () => store.register(exampleRegion('b'))],
  ] as const) {
    await t.rejects(
      (): Promise<unknown> => action(),
      { code: 'STORE_UNSUITABLE', message: /schema version 2, and this router knows 1: upgrade/ },
      what,
    )
  }
  t.equal(shared.cli('HLEN', '{meridian:newer}:regions'), '1')
})

t.test('a Redis that may throw regions away is refused at the start, and only told of later', async t => {
  const server = await startRedis(t, ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'])
  const refused = openStore(server)
  t.teardown(() => refused.close())
  await t.rejects(refused.join(), {
    code: 'STORE_UNSUITABLE',
    message: /allkeys-lru.*CONFIG SET maxmemory-policy noeviction/,
  })
  server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  let laterMs = 0
  const clock = { ...realClock, now: () => realClock.now() + laterMs }
  const store = await open(t, server, { clock })
  server.cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  t.equal((await store.read()).evictionFault, undefined, 'looked at a moment ago')
  laterMs += 60_000
  t.match((await store.read()).evictionFault, /allkeys-lru.*CONFIG SET maxmemory-policy noeviction/, 'a minute later')
  server.cli('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  t.match((await store.read()).evictionFault, /allkeys-lru/)
  laterMs += 60_000
  t.equal((await store.read()).evictionFault, undefined, 'mended')
  server.cli('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl')
  server.cli('CLIENT', 'KILL', 'TYPE', 'normal')
  const after = await eventually(
    () => store.read().catch(() => undefined),
    fleet => fleet?.evictionFault !== undefined,
  )
  t.match(after?.evictionFault, /volatile-ttl/, 'and with each connection')
})

t.test('users with a password, and wrong ones', async t => {
  const rights = ['~{meridian:acl}:*', '&{meridian:acl}:*', '+@all', '-@dangerous', '+info']
  const server = await startRedis(t, ['--user', 'default', 'off', '--user', 'router', 'on', '>s3cret', ...rights])
  const target = (password: string) => ({ ...server.target, username: 'router', password })
  const store = await open(t, server, { fleet: 'acl', target: target('s3cret') })
  await store.register(exampleRegion('a'))
  t.equal((await store.read()).records.length, 1)
  for (const [what, options, reason] of [
    ['wrong password', { fleet: 'acl', target: target('guess') }, /WRONGPASS/],
    ['no user', { fleet: 'acl' }, /NOAUTH/],
    ['a fleet of somebody else', { fleet: 'other', target: target('s3cret') }, /NOPERM/i],
  ] as const) {
    const refused = openStore(server, options)
    t.teardown(() => refused.close())
    await t.rejects(refused.join(), { code: 'STORE_UNSUITABLE', message: reason }, what)
    const error = await refused.join().catch(error => error)
    t.notMatch(String(error), /s3cret|guess/, 'without the password')
  }
})

t.test('writes to a Redis that is full are refused, reading goes on', async t => {
  const server = await startRedis(t, ['--maxmemory', '20mb'])
  const store = await open(t, server)
  const { epoch } = await store.register(exampleRegion('a'))
  server.cli('CONFIG', 'SET', 'maxmemory', '1')
  await t.rejects(store.register(exampleRegion('b')), { code: 'STORE_UNAVAILABLE', message: /OOM/ })
  await t.rejects(store.heartbeat('a', { epoch, sequence: 1 }), { code: 'STORE_UNAVAILABLE', message: /OOM/ })
  t.match((await store.read()).records, [{ region: { id: 'a' } }])
  server.cli('CONFIG', 'SET', 'maxmemory', '0')
  await store.heartbeat('a', { epoch, sequence: 1 })
})

t.test('while Redis is away everybody hears so at once, and afterwards the store is back by itself', async t => {
  const server = await startRedis(t)
  const store = await open(t, server, { fleet: 'away' })
  const first = await store.register(exampleRegion('a'))
  await store.drain('a', 'ops', 'moving out')
  await store.setMode('distance-only', 'ops')
  await store.tokens.add({ id: '1', name: 'a', sha256: '0'.repeat(64), rights: ['read'], regions: ['*'], createdAt: 1 })
  const { incarnation } = await store.read()
  await server.kill()
  for (const [what, action] of [
    ['register', () => store.register(exampleRegion('b'))],
    ['heartbeat', () => store.heartbeat('a', { epoch: first.epoch, sequence: 1 })],
    ['drain', () => store.drain('a', 'ops', '')],
    ['tokens', () => store.tokens.list()],
    ['read', () => store.read()],
  ] as const) {
    await t.rejects(
      (): Promise<unknown> => action(),
      { code: 'STORE_UNAVAILABLE', message: `Redis at 127.0.0.1:${server.port}` },
      what,
    )
  }

  await server.start()
  await eventually(
    () => outcomeOf(store.read()),
    outcome => outcome === 'done',
  )
  const back = await store.read()
  t.not(back.incarnation, incarnation, 'it came back empty, and says so')
  t.same(back.records, [])
  t.equal(back.mode, 'distance-only', 'what operators said was put back')
  t.equal((await store.tokens.list()).length, 1)
  t.equal(await outcomeOf(store.heartbeat('a', { epoch: first.epoch, sequence: 2 })), 'REGION_UNKNOWN')
  const again = await store.register(exampleRegion('a'))
  t.ok(again.epoch > first.epoch, 'epochs rise over a Redis that has lost its counter')
  t.match((await store.read()).records, [{ drain: { by: 'ops', reason: 'moving out' } }])
  const events = eventsOf(store)
  await eventually(
    async () => {
      await store.setMode('auto', 'ops')
      await store.setMode('frozen', 'ops')
      return events.seen.length
    },
    count => count > 0,
  )
  t.pass('and hears events again')
})

t.test('what was kept on disk is put back into an empty Redis, and never over what was said since', async t => {
  const server = await startRedis(t)
  const before = await open(t, server)
  await before.declare([exampleRegion('a')])
  await before.drain('a', 'ops', 'moving out')
  await before.setMode('frozen', 'ops')
  await before.tokens.add({
    id: '1',
    name: 'a',
    sha256: '0'.repeat(64),
    rights: ['read'],
    regions: ['*'],
    createdAt: 1,
  })
  await before.read()
  const remembered = before.remembered()
  await before.close()

  for (const [what, lose, meanwhile, expected] of [
    [
      'what was revoked in the same Redis stays revoked',
      false,
      (store: RedisStore) => store.tokens.revoke('1'),
      { mode: 'frozen', drained: true, tokens: 0, said: undefined },
    ],
    ['an empty Redis gets all of it', true, undefined, { mode: 'frozen', drained: true, tokens: 1, said: /from disk/ }],
    [
      'what another router has put back, and operators took back then, stays away',
      true,
      async () => {
        const other = await open(t, server, { remembered })
        await other.read()
        await other.declare([exampleRegion('a')])
        await other.undrain('a')
        await other.setMode('auto', 'ops')
        await other.tokens.revoke('1')
        await other.close()
      },
      { mode: 'auto', drained: false, tokens: 0, said: /not put back/ },
    ],
    [
      'where operators have spoken since, their word holds',
      true,
      (store: RedisStore) => store.setMode('distance-only', 'ops'),
      { mode: 'distance-only', drained: false, tokens: 0, said: /not put back/ },
    ],
  ] as const) {
    if (lose) {
      await server.kill()
      await server.start()
    }
    if (meanwhile !== undefined) {
      const operator = await open(t, server)
      await meanwhile(operator)
      await operator.close()
    }
    const warnings: string[] = []
    const store = await open(t, server, { remembered, onWarning: message => warnings.push(message) })
    await store.declare([exampleRegion('a')])
    // Two at once, as the feed and the API may read: one of them puts back.
    const [{ mode, records }] = await Promise.all([store.read(), store.read()])
    const tokens = (await store.tokens.list()).length
    const { said, ...state } = expected
    t.same({ mode, drained: records[0]!.drain !== undefined, tokens }, state, what)
    t.equal(warnings.length, said === undefined ? 0 : 1, what)
    if (said !== undefined) t.match(warnings[0], said, what)
    await store.close()
  }
})

t.test('a Redis that hangs is given up after the deadline', async t => {
  const server = await startRedis(t)
  const store = await open(t, server, { target: { ...server.target, timeoutMs: 100 } })
  server.pause()
  await t.rejects(store.read(), { code: 'STORE_UNAVAILABLE', message: /timed out/i })
  server.resume()
  await eventually(
    () => outcomeOf(store.read()),
    outcome => outcome === 'done',
  )
})
