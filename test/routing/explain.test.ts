import t from 'tap'
import { parseAddress } from '../../src/geo/address.ts'
import type { RouteRequest } from '../../src/routing/decision.ts'
import {
  clientIn,
  down,
  draining,
  load,
  type PlaceName,
  region,
  routerOf,
  rule,
  snapshotOf,
  state,
} from '../support/world.ts'

const ask = (place: PlaceName): RouteRequest => ({ address: clientIn(place), host: 'x', path: '/', method: 'GET' })

const states = [
  state(region('edge-ams', 'amsterdam', { tier: 'edge', jurisdiction: 'NL', capabilities: ['small'] })),
  state(region('edge-lon', 'london', { tier: 'edge', jurisdiction: 'GB', capabilities: ['small'] })),
  state(region('edge-tyo', 'tokyo', { tier: 'edge', jurisdiction: 'JP', capabilities: [] })),
  state(region('edge-war', 'warsaw', { tier: 'edge', jurisdiction: 'PL', capabilities: ['small'] }), { verdict: down }),
  state(region('edge-fra', 'frankfurt', { tier: 'edge', jurisdiction: 'DE', capabilities: ['small'] }), {
    verdict: draining,
  }),
  state(region('cloud-fra', 'frankfurt', { jurisdiction: 'DE', capabilities: ['small'], biasMs: -5 }), {
    load: load(40, 100),
    tollMs: 12.5,
    serviceMs: 3,
  }),
  state(region('core-fra', 'frankfurt', { tier: 'core', jurisdiction: 'DE', capabilities: ['small'] })),
]
const rules = [
  rule({
    name: 'inference',
    tiers: ['edge', 'cloud'],
    capability: { value: 'small' },
    residency: { unknownCountry: 'refuse', EU: ['EU', 'JP'] },
  }),
]

t.test('every region stands in the trace once, with its column or its reason', async t => {
  const trace = routerOf(states, { rules }).explain(ask('amsterdam'))
  t.match(trace, {
    client: { address: '10.0.0.1', network: '10.0.0.0/24', location: { country: 'NL' } },
    rule: 'inference',
    transport: 'redirect',
    audience: 'inference/52,5/NL',
    pick: { key: '10.0.0.0/24', kind: 'client-network', temperatureMs: 8 },
    reason: 'least-cost',
    region: 'edge-ams',
  })
  t.same(
    trace.candidates.map(each => each.region),
    ['edge-ams'],
  )
  t.same(
    trace.rejected.map(({ region, kind, reason, detail }) => [region, kind, reason, detail]),
    [
      ['cloud-fra', 'later-tier', 'tier', 'edge can take it'],
      ['core-fra', 'forbidden', 'tier', 'rule inference serves from edge, cloud'],
      ['edge-fra', 'forbidden', 'drained', 'drained by ops'],
      ['edge-lon', 'forbidden', 'residency', 'clients in NL are served in EU, JP; the region is in GB'],
      ['edge-tyo', 'forbidden', 'capability', 'lacks small (it has none)'],
      ['edge-war', 'doubtful', 'probe', '3 failures, last: connection refused'],
    ],
  )
})

t.test('a region that lacks a capability is told with what it has instead', async t => {
  for (const [asked, has, detail] of [
    ['chat-large', ['chat-small'], 'lacks chat-large (it has chat-small)'],
    ['chat-large', ['a', 'b', 'c'], 'lacks chat-large (it has a, b, c)'],
    ['chat-large', ['a', 'b', 'c', 'd'], 'lacks chat-large (it has a, b, c, …)'],
    ['x'.repeat(61), [], `lacks ${'x'.repeat(59)}… (it has none)`],
  ] as const) {
    const fleet = [state(region('edge-ams', 'amsterdam', { tier: 'edge', capabilities: [...has] }))]
    const router = routerOf(fleet, { rules: [rule({ capability: { header: 'x-model' } })] })
    const { rejected } = router.explain({
      ...ask('amsterdam'),
      header: name => (name === 'x-model' ? asked : undefined),
    })
    t.match(rejected, [{ reason: 'capability', detail }])
  }
})

t.test('a column adds up to its cost, to the last digit', async t => {
  const trace = routerOf(states, { rules }).explain(ask('tokyo'))
  for (const { region, column, costMs } of [...trace.candidates, ...trace.rejected]) {
    const sum = Object.values(column).reduce((total, ms) => total + ms, 0)
    t.equal(costMs, Math.round(sum * 100) / 100, region)
  }
  t.match(trace.rejected.find(({ region }) => region === 'cloud-fra')?.column, {
    toll: 12.5,
    service: 3,
    bias: -5,
    tier: 0,
    barrier: 0,
  })
})

t.test('shares add up to one, and what is believed of a load is shown', async t => {
  const near = ['a', 'b', 'c'].map((id, i) =>
    state(region(`cloud-${id}`, 'frankfurt', { weight: i + 1 }), { load: load(30, 100) }),
  )
  const router = routerOf(near)
  router.advance(1000)
  const { candidates } = router.explain(ask('warsaw'))
  t.same(
    [...candidates].sort((x, y) => x.share - y.share).map(({ region, share }) => [region, share]),
    [
      ['cloud-a', 0.1667],
      ['cloud-b', 0.3333],
      ['cloud-c', 0.5],
    ],
  )
  t.same(candidates[0]?.believed, {
    utilisation: 0.3,
    reported: 0.3,
    capacityRequests: 100,
    reportAgeMs: 1000,
    dispatchedSince: 0,
  })
})

t.test('when an edge is full, the trace says why the cloud serves', async t => {
  const full = states.map(each => (each.region.id === 'edge-ams' ? { ...each, load: load(120, 100) } : each))
  const trace = routerOf(full, { rules }).explain(ask('amsterdam'))
  t.equal(trace.region, 'cloud-fra')
  t.match(
    trace.rejected.find(({ region }) => region === 'edge-ams'),
    {
      kind: 'later-tier',
      reason: 'full',
      column: { barrier: 210.03 },
    },
  )
})

t.test('a pin and its absence are explained', async t => {
  const pin = (whenDown: 'route' | 'refuse') => ({
    '10.2.0.1': { region: 'edge-war', whenDown, network: '10.2.0.1/32' },
  })
  const refused = routerOf(states, {}, pin('refuse')).explain(ask('warsaw'))
  t.equal(refused.region, null)
  t.match(
    refused.rejected.find(({ region }) => region === 'edge-war'),
    { kind: 'doubtful', reason: 'probe' },
  )
  t.match(
    refused.rejected.find(({ region }) => region === 'edge-ams'),
    { kind: 'forbidden', reason: 'pinned' },
  )
})

t.test('every situation explains each region once, and why', async t => {
  const pin = (region: string, whenDown: 'route' | 'refuse' = 'route') => ({
    '10.2.0.1': { region, whenDown, network: '10.2.0.1/32' },
  })
  const drained = states.map(each => ({ ...each, verdict: draining }))
  const full = states.map(each => ({ ...each, load: load(130, 100) }))
  const reserve = states.map(each =>
    each.region.id === 'edge-ams' ? { ...each, region: { ...each.region, weight: 0 } } : each,
  )
  for (const [what, router, reason, candidates, whys] of [
    ['nothing left', routerOf(drained), 'none', [], { 'edge-ams': 'drained', 'core-fra': 'drained' }],
    [
      'the last resort',
      routerOf(drained, { rules: [rule({ lastResort: 'core-fra' })] }),
      'last-resort',
      ['core-fra'],
      { 'edge-ams': 'drained' },
    ],
    [
      'an unknown capability',
      routerOf(states, { rules: [rule({ capability: { value: 'fly' } })] }),
      'none',
      [],
      { 'edge-ams': 'capability', 'core-fra': 'capability', 'edge-war': 'capability' },
    ],
    [
      'pinned to a tier that the rule does not name',
      routerOf(states, { rules: [rule({ tiers: ['edge'] })] }, pin('core-fra')),
      'pinned',
      ['core-fra'],
      { 'edge-ams': 'pinned', 'cloud-fra': 'tier', 'edge-war': 'probe' },
    ],
    [
      'pinned to a region that is down, of a tier that the rule does not name',
      routerOf(states, { rules: [rule({ tiers: ['cloud'] })] }, pin('edge-war', 'refuse')),
      'none',
      [],
      { 'edge-war': 'probe', 'edge-ams': 'tier', 'cloud-fra': 'pinned' },
    ],
    [
      'pinned to nobody knows whom',
      routerOf(states, {}, pin('gone', 'refuse')),
      'none',
      [],
      { 'edge-ams': 'pinned', 'edge-war': 'probe' },
    ],
    ['all full', routerOf(full), 'least-cost', ['cloud-fra', 'core-fra', 'edge-ams', 'edge-lon', 'edge-tyo'], {}],
    [
      'one of weight 0',
      routerOf(reserve),
      'least-cost',
      ['edge-lon', 'edge-tyo'],
      { 'edge-ams': 'weight', 'cloud-fra': 'tier' },
    ],
  ] as const) {
    const trace = router.explain(ask('warsaw'))
    t.equal(trace.reason, reason, `${what}: ${reason}`)
    t.equal(trace.region === null, reason === 'none', what)
    const chosen = trace.candidates.map(({ region }) => region)
    t.same([...chosen].sort(), candidates, `${what}: candidates`)
    const rejected = new Map(trace.rejected.map(({ region, reason }) => [region, reason]))
    for (const [region, why] of Object.entries(whys)) t.equal(rejected.get(region), why, `${what}: ${region}`)
    const all = [...chosen, ...trace.rejected.map(({ region }) => region)].sort()
    t.same(all, states.map(({ region }) => region.id).sort(), `${what}: every region once`)
  }
})

t.test('an unknown client has no location in the trace', async t => {
  const trace = routerOf(states).explain({ ...ask('warsaw'), address: parseAddress('192.0.2.9')! })
  t.notOk('location' in trace.client)
  t.equal(trace.audience, 'default/unknown')
})

t.test('the trace says who leads, and of when the tolls are', async t => {
  const router = routerOf(states)
  const plain = snapshotOf(states, 4, 900)
  const tolls = { term: 7, setAt: 100 }
  for (const [more, expected, why] of [
    [{}, {}, 'nobody has set tolls yet'],
    [{ leader: 'router-2' }, { leader: 'router-2' }, 'somebody leads, and has none to set yet'],
    [{ leader: 'router-2', tolls }, { leader: 'router-2', tolls: { term: 7, ageMs: 1100 } }, 'tolls'],
    [{ tolls }, { tolls: { term: 7, ageMs: 1100 } }, 'whoever set them is gone'],
    [{ tolls: { term: 7, setAt: 5000 } }, { tolls: { term: 7, ageMs: 0 } }, 'a clock that was set back'],
  ] as const) {
    router.useSnapshot({ ...plain, ...more }, 1200)
    t.same(router.explain(ask('warsaw')).snapshot, { version: 4, ageMs: 300, ...expected }, why)
  }
})

t.test('an answer is explained with the barriers that chose for it', async t => {
  const queued = states.map(each =>
    each.region.id === 'cloud-fra' ? { ...each, load: load(400, 100, { latencyMs: 100 }) } : each,
  )
  const router = routerOf(queued, { rules: [rule({ tiers: ['cloud'] })], answerLifetimeMs: 60_000 })
  const barrierOf = (isAnswer: boolean): number => {
    const { candidates, rejected } = router.explain({ ...ask('warsaw'), isAnswer })
    return [...candidates, ...rejected].find(({ region }) => region === 'cloud-fra')!.column.barrier
  }
  t.ok(barrierOf(false) > 250, 'a request that comes now would wait')
  t.ok(barrierOf(true) < 10, 'an answer for a minute is not about the queue of this moment')
  const { candidates } = router.explain({ ...ask('warsaw'), isAnswer: true })
  const { ranked } = router.route({ ...ask('warsaw'), isAnswer: true })
  t.ok(ranked.find(each => each.region.id === 'cloud-fra')!.costMs < 100, 'and the list says the same')
  t.equal(candidates[0]!.region, ranked[0]!.region.id)
})
