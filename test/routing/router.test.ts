import t from 'tap'
import { parseAddress } from '../../src/geo/address.ts'
import { createLocator } from '../../src/geo/locator.ts'
import { parseOverrides } from '../../src/geo/overrides.ts'
import type { RegionState } from '../../src/regions/snapshot.ts'
import type { RouteRequest } from '../../src/routing/decision.ts'
import { createRouter } from '../../src/routing/router.ts'
import {
  clientIn,
  down,
  draining,
  load,
  type PlaceName,
  region,
  routerOf,
  rule,
  settings,
  snapshotOf,
  state,
} from '../support/world.ts'

const ask = (place: PlaceName, more: Partial<RouteRequest> = {}): RouteRequest => ({
  address: clientIn(place),
  host: 'api.example.com',
  path: '/v1/chat',
  method: 'GET',
  ...more,
})

const world = {
  edgeAms: region('edge-ams', 'amsterdam', { tier: 'edge', jurisdiction: 'NL', capabilities: ['small'] }),
  cloudFra: region('cloud-fra', 'frankfurt', { jurisdiction: 'DE', capabilities: ['small', 'large'] }),
  cloudIad: region('cloud-iad', 'ashburn', { jurisdiction: 'US', capabilities: ['small', 'large'] }),
  cloudNrt: region('cloud-nrt', 'tokyo', { jurisdiction: 'JP', capabilities: ['small', 'large'] }),
  coreFra: region('core-fra', 'frankfurt', {
    tier: 'core',
    jurisdiction: 'DE',
    capabilities: ['small', 'large', 'tune'],
  }),
}
const { edgeAms, cloudFra, cloudIad, cloudNrt, coreFra } = world
const everyone = Object.values(world).map(each => state(each))
const cloudOnly = [state(cloudFra), state(cloudIad), state(cloudNrt)]

/** The usual world with some regions in another condition. */
const but = (...changed: readonly RegionState[]): RegionState[] =>
  everyone.map(each => changed.find(other => other.region === each.region) ?? each)

t.test('who serves whom, and what comes next', async t => {
  const clouds = rule({ tiers: ['cloud'] })
  for (const [what, client, states, rules, ranked, reason] of [
    ['the nearest', 'warsaw', cloudOnly, [clouds], 'cloud-fra cloud-iad cloud-nrt', 'least-cost'],
    ['on another continent', 'sydney', cloudOnly, [clouds], 'cloud-nrt cloud-iad cloud-fra', 'least-cost'],
    [
      'edge before cloud before core',
      'amsterdam',
      everyone,
      [],
      'edge-ams cloud-fra cloud-iad cloud-nrt core-fra',
      'least-cost',
    ],
    [
      'edge even from afar, while strict',
      'tokyo',
      everyone,
      [],
      'edge-ams cloud-nrt cloud-iad cloud-fra core-fra',
      'least-cost',
    ],
    [
      'by price, when not strict',
      'tokyo',
      everyone,
      [rule({ strict: false })],
      'cloud-nrt edge-ams cloud-iad cloud-fra core-fra',
      'least-cost',
    ],
    [
      'a draining region is gone',
      'warsaw',
      but(state(cloudFra, { verdict: draining })),
      [clouds],
      'cloud-iad cloud-nrt',
      'least-cost',
    ],
    [
      'a region in doubt comes last',
      'warsaw',
      but(state(cloudFra, { verdict: down })),
      [clouds],
      'cloud-iad cloud-nrt cloud-fra',
      'least-cost',
    ],
    [
      'all in doubt: as if none were, but degraded',
      'warsaw',
      cloudOnly.map(each => ({ ...each, verdict: down })),
      [clouds],
      'cloud-fra cloud-iad cloud-nrt',
      'doubtful',
    ],
    [
      'all drained: the last resort',
      'warsaw',
      everyone.map(each => ({ ...each, verdict: draining })),
      [rule({ lastResort: 'core-fra' })],
      'core-fra',
      'last-resort',
    ],
    ['all drained, no last resort', 'warsaw', everyone.map(each => ({ ...each, verdict: draining })), [], '', 'none'],
    [
      'a full edge gives way to the cloud',
      'amsterdam',
      but(state(edgeAms, { load: load(102, 100) })),
      [],
      'cloud-fra cloud-iad cloud-nrt core-fra edge-ams',
      'least-cost',
    ],
    [
      'a region beyond its limit becomes dearer',
      'warsaw',
      but(state(cloudFra, { load: load(115, 100) })),
      [clouds],
      'cloud-iad cloud-nrt cloud-fra',
      'least-cost',
    ],
    [
      'a bias of the operator',
      'warsaw',
      [state({ ...cloudFra, biasMs: 200 }), state(cloudIad)],
      [clouds],
      'cloud-iad cloud-fra',
      'least-cost',
    ],
    [
      'a toll',
      'warsaw',
      but(state(cloudFra, { tollMs: 200 })),
      [clouds],
      'cloud-iad cloud-nrt cloud-fra',
      'least-cost',
    ],
    [
      'a capability asked for',
      'amsterdam',
      everyone,
      [rule({ capability: { value: 'large' } })],
      'cloud-fra cloud-iad cloud-nrt core-fra',
      'least-cost',
    ],
    [
      'weight 0 only when no other can',
      'warsaw',
      [state({ ...cloudFra, weight: 0 }), state(cloudIad), state(coreFra)],
      [],
      'cloud-iad core-fra cloud-fra',
      'least-cost',
    ],
    [
      'weight 0 when the others are in doubt',
      'warsaw',
      [state({ ...cloudFra, weight: 0 }), state(cloudIad, { verdict: down })],
      [],
      'cloud-fra cloud-iad',
      'least-cost',
    ],
    [
      'weight 0 when the others are full',
      'warsaw',
      [state({ ...cloudFra, weight: 0 }), state(cloudIad, { load: load(120, 100) })],
      [],
      'cloud-fra cloud-iad',
      'least-cost',
    ],
    ['only the core can', 'tokyo', everyone, [rule({ capability: { value: 'tune' } })], 'core-fra', 'least-cost'],
    ['nobody can', 'tokyo', everyone, [rule({ capability: { value: 'fly' } })], '', 'none'],
    [
      'residency of the Union',
      'warsaw',
      cloudOnly,
      [rule({ residency: { unknownCountry: 'refuse', EU: ['EU'] } })],
      'cloud-fra',
      'least-cost',
    ],
    [
      'residency binds nobody else',
      'tokyo',
      cloudOnly,
      [rule({ residency: { unknownCountry: 'refuse', EU: ['EU'] } })],
      'cloud-nrt cloud-iad cloud-fra',
      'least-cost',
    ],
    [
      'residency before the last resort',
      'warsaw',
      [state(cloudIad)],
      [rule({ residency: { unknownCountry: 'refuse', EU: ['EU'] }, lastResort: 'cloud-iad' })],
      '',
      'none',
    ],
  ] as const) {
    const decision = routerOf(states, { rules }).route(ask(client))
    t.equal(decision.ranked.map(each => each.region.id).join(' '), ranked, what)
    t.equal(decision.reason, reason, `${what}: ${reason}`)
    t.equal(decision.best?.id ?? '', ranked.split(' ')[0], `${what}: best is the first`)
    t.equal(decision.degraded, ['doubtful', 'last-resort'].includes(reason), `${what}: degraded or not`)
  }
})

t.test('a client of whom nothing is known gets the declared default order', async t => {
  const router = routerOf(cloudOnly, { defaultOrder: ['cloud-iad', 'cloud-fra'] })
  const stranger = { ...ask('warsaw'), address: parseAddress('192.0.2.1')! }
  const decision = router.route(stranger)
  t.equal(decision.ranked.map(each => each.region.id).join(' '), 'cloud-iad cloud-fra cloud-nrt')
  t.equal(decision.reason, 'default-order')
  t.equal(decision.location, undefined)
  t.match(
    router.explain(stranger).candidates[1]?.column,
    { rtt: 0, order: 100 },
    'and the trace says what the order costs',
  )
})

t.test('the declared default order goes before strict tiers, and what it does not name follows by tier', async t => {
  const stranger = { ...ask('warsaw'), address: parseAddress('192.0.2.1')! }
  const defaultOrder = ['cloud-iad', 'core-fra']
  for (const [what, states, rules, ranked] of [
    ['as declared', everyone, [], 'cloud-iad core-fra edge-ams cloud-fra cloud-nrt'],
    ['only tiers that the rule names', everyone, [rule({ tiers: ['core', 'edge'] })], 'core-fra edge-ams'],
    [
      'the first is down',
      but(state(cloudIad, { verdict: down })),
      [],
      'core-fra edge-ams cloud-fra cloud-nrt cloud-iad',
    ],
    [
      'the first is full',
      but(state(cloudIad, { load: load(120, 100) })),
      [],
      'core-fra edge-ams cloud-fra cloud-nrt cloud-iad',
    ],
    [
      'all of them are full',
      but(state(cloudIad, { load: load(120, 100) }), state(coreFra, { load: load(120, 100) })),
      [],
      'edge-ams cloud-fra cloud-nrt cloud-iad core-fra',
    ],
  ] as const) {
    const router = routerOf(states, { rules, defaultOrder })
    const trace = router.explain(stranger)
    t.equal(
      router
        .route(stranger)
        .ranked.map(each => each.region.id)
        .join(' '),
      ranked,
      what,
    )
    t.equal(trace.region, ranked.split(' ')[0], what)
    t.equal(trace.candidates.length + trace.rejected.length, everyone.length, `${what}: every region is explained`)
  }
  const { rejected } = routerOf(everyone, { defaultOrder }).explain(stranger)
  t.match(
    rejected.find(({ region }) => region === 'edge-ams'),
    { kind: 'later-tier', reason: 'default-order' },
  )
})

t.test('an unknown country is refused or allowed as the residency rule says', async t => {
  const stranger = { ...ask('warsaw'), address: parseAddress('192.0.2.1')! }
  for (const [unknownCountry, best] of [
    ['refuse', undefined],
    ['allow', 'cloud-fra'],
  ] as const) {
    const router = routerOf(cloudOnly, { rules: [rule({ residency: { unknownCountry, EU: ['EU'] } })] })
    t.equal(router.route(stranger).best?.id, best, unknownCountry)
  }
})

t.test('a pinned network lands in its region while that is up', async t => {
  const pins = {
    '10.2.0.1': { region: 'core-fra', whenDown: 'route', network: '10.2.0.1/32' },
    '10.2.0.2': { region: 'core-fra', whenDown: 'refuse', network: '10.2.0.2/32' },
  } as const
  const clouds = rule({ tiers: ['cloud'] })
  for (const [what, host, changed, ranked, reason] of [
    ['up, may go elsewhere', 1, {}, 'core-fra cloud-fra cloud-iad cloud-nrt', 'pinned'],
    ['up, may not', 2, {}, 'core-fra', 'pinned'],
    ['full, may go elsewhere', 1, { load: load(120, 100) }, 'core-fra cloud-fra cloud-iad cloud-nrt', 'pinned'],
    ['full, may not', 2, { load: load(120, 100) }, 'core-fra', 'pinned'],
    ['down, may go elsewhere', 1, { verdict: down }, 'cloud-fra cloud-iad cloud-nrt', 'least-cost'],
    ['down, may not', 2, { verdict: down }, '', 'none'],
    ['drained, may go elsewhere', 1, { verdict: draining }, 'cloud-fra cloud-iad cloud-nrt', 'least-cost'],
  ] as const) {
    const states = but(state(coreFra, changed))
    const router = routerOf(states, { rules: [clouds] }, pins)
    const decision = router.route({ ...ask('warsaw'), address: clientIn('warsaw', 0, host) })
    t.equal(decision.ranked.map(each => each.region.id).join(' '), ranked, what)
    t.equal(decision.reason, reason, `${what}: ${reason}`)
  }
})

t.test('regions in doubt behind a pinned one are said to be in doubt', async t => {
  const pin = { region: 'core-fra', whenDown: 'route', network: '10.2.0.1/32' } as const
  const states = [...cloudOnly.map(each => ({ ...each, verdict: down })), state(coreFra)]
  const router = routerOf(states, { rules: [rule({ tiers: ['cloud'] })] }, { '10.2.0.1': pin })
  const { ranked, degraded } = router.route(ask('warsaw'))
  t.same(
    ranked.map(({ region, standing }) => `${region.id} ${standing}`),
    ['core-fra eligible', 'cloud-fra doubtful', 'cloud-iad doubtful', 'cloud-nrt doubtful'],
  )
  t.equal(degraded, false)
})

t.test('IPv4 inside IPv6 is located and picked for as IPv4, yet has its own overrides', async t => {
  const file = [
    '- { network: 10.9.0.0/16, coordinates: { latitude: 36, longitude: 140 } }',
    '- { network: 64:ff9b::/96, region: cloud-iad }',
  ]
  const overrides = parseOverrides(file.join('\n'), 'overrides.yaml')
  const router = createRouter(settings, createLocator({ databases: [], overrides, countryPoints: {} }))
  router.useSnapshot(snapshotOf(cloudOnly), 0)
  for (const [what, address, best, reason, key] of [
    ['IPv4', '10.9.0.1', 'cloud-nrt', 'least-cost', '10.9.0.0/24'],
    ['mapped', '::ffff:10.9.0.1', 'cloud-nrt', 'least-cost', '10.9.0.0/24'],
    ['6to4', '2002:a09:1::7', 'cloud-nrt', 'least-cost', '10.9.0.0/24'],
    ['NAT64, pinned by its own network', '64:ff9b::a09:1', 'cloud-iad', 'pinned', '10.9.0.0/24'],
    ['IPv6 of its own', '2001:db8:1:2::3', 'cloud-fra', 'default-order', '2001:db8:1::/48'],
  ] as const) {
    const request = ask('warsaw', { address: parseAddress(address)! })
    const trace = router.explain(request)
    t.match(trace, { region: best, reason, pick: { key } }, what)
    t.equal(router.route(request).best?.id, best, what)
  }
})

t.test('an answer of a family comes from regions that have one', async t => {
  const both = { publicUrl: 'https://a.example.com', ipv4: ['192.0.2.1'], ipv6: ['2001:db8::1'] }
  const states = [state({ ...cloudFra, endpoints: { ...both, ipv6: [] } }), state({ ...cloudIad, endpoints: both })]
  const router = routerOf(states)
  t.equal(router.route(ask('warsaw', { family: 4 })).best?.id, 'cloud-fra')
  t.equal(router.route(ask('warsaw', { family: 6 })).best?.id, 'cloud-iad')
})

t.test('a proxying router measures from where it stands', async t => {
  const rules = [rule({ transport: 'proxy', tiers: ['cloud'] })]
  const beside = routerOf(cloudOnly, { rules })
  const inTokyo = routerOf(cloudOnly, { rules, location: { latitude: 36, longitude: 140 } })
  t.equal(beside.route(ask('warsaw')).best?.id, 'cloud-fra')
  t.equal(inTokyo.route(ask('warsaw')).best?.id, 'cloud-nrt')
})

t.test('what is dispatched counts at once, and fades', async t => {
  const small = region('cloud-fra', 'frankfurt', { capacityRequests: 10 })
  const router = routerOf([state(small), state(cloudIad)])
  const served = Array.from({ length: 14 }, () => router.route(ask('warsaw')).best!.id)
  const inFrankfurt = served.filter(id => id === 'cloud-fra').length
  t.equal(inFrankfurt, 10, 'the eleventh request would wait for a slot: longer than the way to Ashburn takes')
  t.equal(served.lastIndexOf('cloud-fra'), 9, 'and after the wall nobody')
  router.advance(10_000)
  t.equal(router.route(ask('warsaw')).best?.id, 'cloud-fra', 'ten stays later they have gone')
})

t.test('explaining counts nothing and agrees with what is routed', async t => {
  const small = region('cloud-fra', 'frankfurt', { capacityRequests: 10 })
  const router = routerOf([state(small), state(cloudIad)])
  for (let i = 0; i < 30; i++) {
    const trace = router.explain(ask('warsaw'))
    for (let k = 0; k < 3; k++) t.same(router.explain(ask('warsaw')), trace)
    t.equal(router.route(ask('warsaw')).best?.id, trace.region)
  }
})

t.test('the same client gets the same region by any transport, and from any router', async t => {
  const near = [region('cloud-a', 'frankfurt'), region('cloud-b', 'frankfurt'), region('cloud-c', 'frankfurt')]
  const rules = (['redirect', 'proxy', 'decide'] as const).map(transport =>
    rule({ name: transport, transport, match: { path: `/${transport}` } }),
  )
  const routers = [
    routerOf(
      near.map(each => state(each)),
      { rules },
    ),
    routerOf(near.map(each => state(each)).reverse(), { rules }),
  ]
  const seen = new Set<string>()
  for (let network = 0; network < 200; network++) {
    const answers = routers.flatMap(router =>
      ['/redirect', '/proxy', '/decide'].map(
        path => router.route(ask('warsaw', { address: clientIn('warsaw', network), path })).best!.id,
      ),
    )
    t.equal(new Set(answers).size, 1)
    seen.add(answers[0]!)
    const neighbour = routers[0]!.route(ask('warsaw', { address: clientIn('warsaw', network, 77) }))
    t.equal(neighbour.best!.id, answers[0], 'and so does its neighbour in the /24')
  }
  t.equal(seen.size, 3, 'and all three regions take clients')
})

t.test('an affinity key holds clients of different networks together', async t => {
  const near = ['a', 'b', 'c', 'd'].map(id => state(region(`cloud-${id}`, 'frankfurt')))
  const router = routerOf(near, { rules: [rule({ affinity: { header: 'x-session' } })] })
  const of = (network: number, session: string): string =>
    router.route(ask('warsaw', { address: clientIn('warsaw', network), header: () => session })).best!.id
  for (const session of ['one', 'two', 'three', 'four', 'five']) {
    t.equal(new Set(Array.from({ length: 20 }, (_, network) => of(network, session))).size, 1, session)
  }
  t.ok(new Set(Array.from({ length: 40 }, (_, i) => of(0, `session ${i}`))).size === 4, 'and sessions are spread')
})

t.test('distance-only leaves loads, tolls and barriers out, and explain says so', async t => {
  const states = [state(cloudFra, { load: load(120, 100), tollMs: 300 }), state(cloudIad), state(cloudNrt)]
  const router = routerOf(states, { rules: [rule({ tiers: ['cloud'] })] })
  const first = () => router.route(ask('warsaw')).best?.id
  t.equal(first(), 'cloud-iad', 'the nearest is full and dear')
  for (const version of [2, 3]) router.useSnapshot({ ...snapshotOf(states, version), mode: 'distance-only' }, 0)
  t.equal(first(), 'cloud-fra')
  t.match(router.explain(ask('warsaw')), {
    snapshot: { version: 3, mode: 'distance-only' },
    candidates: [{ region: 'cloud-fra', column: { toll: 0, barrier: 0 }, believed: { reported: 1.2 } }],
  })
  const grown = [...states, state(region('cloud-waw', 'warsaw'), { load: load(120, 100) })]
  router.useSnapshot({ ...snapshotOf(grown, 4), mode: 'distance-only' }, 0)
  t.equal(first(), 'cloud-waw', 'in a fleet that has changed, too')
  router.useSnapshot(snapshotOf(states, 5), 0)
  t.equal(first(), 'cloud-iad', 'and back')
  t.notOk('mode' in router.explain(ask('warsaw')).snapshot)
})

t.test('utilisations are those that decisions count, of regions of which something is known', async t => {
  const router = routerOf([
    state(region('edge-fra', 'frankfurt'), { load: load(30, 100), since: -1e6 }),
    state(region('edge-iad', 'ashburn'), { since: -1e6 }),
  ])
  t.same([...router.utilisations()], [['edge-fra', 0.3]])
  for (let i = 0; i < 20; i++) router.route({ address: clientIn('warsaw', i), host: 'x', path: '/', method: 'GET' })
  t.same([...router.utilisations()], [['edge-fra', 0.5]], 'what was sent since the report is there, too')
})
