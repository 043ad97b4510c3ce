import t from 'tap'
import { catchAllRule } from '../../src/config/rule.ts'
import { controlWorld } from '../support/control.ts'
import { clientIn, region, rule } from '../support/world.ts'

const ask = (query: Record<string, string>) => new URLSearchParams(query).toString()

t.test('a decision names the region, the URL to use and the order to fail over in', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  const answer = await app.inject(`/v1/route?${ask({ ip: '10.0.0.1', host: 'Example.com:443', path: '/a?b=%2F' })}`)
  t.equal(answer.statusCode, 200)
  const { candidates, ...decision } = answer.json()
  t.same(decision, {
    region: 'cloud-fra',
    tier: 'cloud',
    url: 'https://cloud-fra.example.com/a?b=%2F',
    reason: 'least-cost',
    degraded: false,
    location: { latitude: 52, longitude: 5, country: 'NL', continent: 'EU', prefixLength: 16, source: 'world' },
  })
  t.same(
    candidates.map(({ region, tier }: { region: string; tier: string }) => [region, tier]),
    [
      ['cloud-fra', 'cloud'],
      ['cloud-nrt', 'cloud'],
      ['core-waw', 'core'],
    ],
  )
  for (const { costMs } of candidates) t.ok(costMs > 0)
})

t.test('the question decides: address, host, path, method and header fields', async t => {
  const rules = [
    rule({ name: 'core', match: { host: 'core.example.com' }, tiers: ['core'] }),
    rule({ name: 'upload', match: { path: '/up', methods: ['POST'] }, tiers: ['core'] }),
    rule({ name: 'paint', match: { path: '/paint' }, capability: { header: 'x-can' } }),
  ]
  const regions = [
    region('cloud-fra', 'frankfurt'),
    region('core-waw', 'warsaw', { tier: 'core', capabilities: ['paint'] }),
  ]
  const { app } = await controlWorld({ rules, regions })
  t.teardown(() => app.close())
  for (const [query, headers, expected] of [
    [{ host: 'a.example.com' }, {}, 'cloud-fra'],
    [{ host: 'core.example.com' }, {}, 'core-waw'],
    [{ path: '/up' }, {}, 'cloud-fra'],
    [{ path: '/up', method: 'POST' }, {}, 'core-waw'],
    [{ path: '/up?x=1', method: 'POST' }, {}, 'core-waw'],
    [{ path: '/paint' }, { 'x-can': 'paint' }, 'core-waw'],
  ] as const) {
    const answer = await app.inject({ url: `/v1/route?${ask({ ip: '10.1.0.1', ...query })}`, headers })
    t.equal(answer.json().region, expected, JSON.stringify(query))
  }
})

t.test('without an ip the caller is the client', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  for (const [remoteAddress, address] of [
    ['10.8.0.1', '10.8.0.1'],
    ['::ffff:10.8.0.1', '::ffff:10.8.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
  ] as const) {
    const answer = await app.inject({ url: '/v1/explain', remoteAddress })
    t.equal(answer.json().client.address, address)
  }
  const unknown = (await app.inject({ url: '/v1/route', remoteAddress: '192.0.2.1' })).json()
  t.match(unknown, { region: 'cloud-fra', reason: 'default-order', location: null })
})

t.test('the same key goes to the same region, whoever asks', async t => {
  const regions = ['cloud-a', 'cloud-b', 'cloud-c'].map(id => region(id, 'frankfurt'))
  const { app } = await controlWorld({ regions })
  t.teardown(() => app.close())
  const regionOf = async (query: Record<string, string>) => (await app.inject(`/v1/route?${ask(query)}`)).json().region
  const seen = new Set<string>()
  for (let key = 0; key < 30; key++) {
    const first = await regionOf({ ip: '10.1.0.1', key: `session-${key}` })
    t.equal(await regionOf({ ip: '10.1.200.7', key: `session-${key}` }), first)
    seen.add(first)
  }
  t.equal(seen.size, 3, 'and other keys go elsewhere')
})

t.test('a decision counts as a client sent there, its explanation does not', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  const sent = async () => {
    const { candidates } = (await app.inject('/v1/explain?ip=10.1.0.1')).json()
    return candidates[0].believed?.dispatchedSince ?? 0
  }
  const before = await sent()
  t.equal(await sent(), before)
  await app.inject('/v1/route?ip=10.1.0.1')
  t.equal(await sent(), before + 1)
})

t.test('an explanation has the shape of the design', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  const trace = (await app.inject('/v1/explain?ip=10.1.0.1')).json()
  t.match(trace, {
    client: { address: '10.1.0.1', network: '10.1.0.0/24', location: { latitude: 50, longitude: 9, country: 'DE' } },
    rule: catchAllRule.name,
    transport: 'redirect',
    audience: 'default/50,9/DE',
    snapshot: { version: 1, ageMs: 0 },
    pick: { key: '10.1.0.0/24', kind: 'client-network', temperatureMs: 8 },
    reason: 'least-cost',
    degraded: false,
    region: 'cloud-fra',
  })
  t.notOk('coordinates' in trace.client.location)
  const sum = (column: Record<string, number>) => Object.values(column).reduce((a, b) => a + b, 0)
  for (const { costMs, column } of [...trace.candidates, ...trace.rejected]) {
    t.ok(Math.abs(costMs - sum(column)) < 0.01, 'the column adds up to the cost')
  }
  t.match(trace.rejected, [{ region: 'core-waw', kind: 'later-tier', reason: 'tier' }])
})

t.test('an explanation says who leads the fleet, and of when its tolls are', async t => {
  const { app, store, clock, refresh } = await controlWorld()
  t.teardown(() => app.close())
  const seen = async () => (await app.inject('/v1/explain?ip=10.1.0.1')).json().snapshot
  t.same(await seen(), { version: 1, ageMs: 0 })
  const term = (await store.exchange.lead(3_000))!
  await store.exchange.setTolls(term, new Map([['cloud-fra', 12.5]]))
  clock.advance(1_000)
  await refresh()
  const { leader } = await store.read()
  t.type(leader, 'string')
  t.same(await seen(), { version: 2, ageMs: 0, leader, tolls: { term, ageMs: 1_000 } })
})

t.test('doubtful regions are named only where nothing better is left', async t => {
  const { app, store, clock, refresh } = await controlWorld({ regions: [region('cloud-fra', 'frankfurt')] })
  t.teardown(() => app.close())
  await store.register(region('cloud-ams', 'amsterdam'))
  clock.advance(10_000)
  await refresh()
  const route = async () => (await app.inject('/v1/route?ip=10.0.0.1')).json()
  const names = ({ candidates }: { candidates: { region: string }[] }) => candidates.map(({ region }) => region)
  const sound = await route()
  t.same([sound.degraded, names(sound)], [false, ['cloud-fra']])
  await store.drain('cloud-fra', 'test', '')
  await refresh()
  const degraded = await route()
  t.same([degraded.degraded, degraded.reason, names(degraded)], [true, 'doubtful', ['cloud-ams']])
})

t.test('no region at all is a problem that says where to look', async t => {
  const { app } = await controlWorld({ regions: [] })
  t.teardown(() => app.close())
  const answer = await app.inject('/v1/route?ip=10.0.0.1')
  t.equal(answer.statusCode, 503)
  t.match(answer.json(), {
    code: 'NO_REGION',
    detail: /no region can serve 10\.0\.0\.1 by rule "default".*\/v1\/explain/,
  })
  t.match((await app.inject('/v1/explain?ip=10.0.0.1')).json(), { region: null, reason: 'none', candidates: [] })
})

t.test('a question that is wrong is answered with all that is wrong', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  for (const [query, code, ...faults] of [
    ['ip=999', 'ADDRESS_INVALID', /^ip: expected an IPv4 or IPv6 address, not "999"$/],
    ['ip=', 'ADDRESS_INVALID', /^ip: .*not ""$/],
    ['ip=10.0.0.1:80', 'ADDRESS_INVALID', /^ip/],
    [
      'ip=x&host=a%20b&path=x',
      'ADDRESS_INVALID',
      /^ip/,
      /^host: expected a host name, not "a b"$/,
      /^path: expected a path that/,
    ],
    ['path=https://evil.test/', 'REQUEST_INVALID', /^path/],
    ['path=*', 'REQUEST_INVALID', /^path/],
    ['path=/%0d%0aSet-Cookie:x', 'REQUEST_INVALID', /^path/],
    ['path=/%23fragment', 'REQUEST_INVALID', /^path/],
    ['host=user@evil.test', 'REQUEST_INVALID', /^host/],
    ['method=get', 'REQUEST_INVALID', /^method: expected a method in upper case, not "get"$/],
    ['key=', 'REQUEST_INVALID', /^key/],
    [
      'adress=1.2.3.4&mthod=x',
      'REQUEST_INVALID',
      /^adress: unknown key/,
      /^mthod: unknown key \(did you mean method\?\)$/,
    ],
    ['ip=10.0.0.1&ip=10.0.0.2', 'REQUEST_INVALID', /^ip: expected text/],
    ['ip=foo&bar=1&method=get&path=x', 'ADDRESS_INVALID', /^bar: unknown key/, /^method: /, /^ip: /, /^path: /],
    [`ip=10.0.0.1&host=${'a'.repeat(300)}`, 'REQUEST_INVALID', /^host: expected at most 255 characters/],
  ] as const) {
    for (const path of ['/v1/route', '/v1/explain']) {
      const answer = await app.inject(`${path}?${query}`)
      t.equal(answer.statusCode, 400, query)
      t.equal(answer.json().code, code, query)
      t.equal(answer.json().faults.length, faults.length, answer.body)
      for (const [index, pattern] of faults.entries()) t.match(answer.json().faults[index], pattern)
    }
  }
})

t.test('whatever the path, the URL stays on the region’s host', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  for (const path of [
    '//evil.test',
    '/\\evil.test',
    '/@evil.test',
    '/..//evil.test',
    '/:80',
    '/?u=https://evil.test',
  ]) {
    const { url } = (await app.inject(`/v1/route?${ask({ ip: '10.1.0.1', path })}`)).json()
    t.equal(new URL(url).host, 'cloud-fra.example.com', path)
    t.ok(url.endsWith(path), 'byte for byte')
  }
})

t.test('when every region is full, some are told to come back', async t => {
  const { app, router } = await controlWorld({
    regions: [region('cloud-fra', 'frankfurt', { capacityRequests: 5 })],
    random: () => 0.5,
  })
  t.teardown(() => app.close())
  const route = () => app.inject('/v1/route?ip=10.0.0.1')
  t.equal((await route()).statusCode, 200)
  for (let i = 0; i < 1_000; i++) router.route({ address: clientIn('tokyo'), host: 'h', path: '/', method: 'GET' })
  const answer = await route()
  t.equal(answer.statusCode, 503)
  t.equal(answer.headers['retry-after'], '3')
  t.match(answer.json(), { code: 'OVERLOADED', detail: /by rule "default" is full, and priority normal gives way/ })
  const { shedding, region: decided } = (await app.inject('/v1/explain?ip=10.0.0.1')).json()
  t.match({ shedding, decided }, { shedding: { priority: 'normal', probability: 0.989 }, decided: 'cloud-fra' })
})
