/** Pins what becomes of requests in a simulated world: by worlds that can be worked out by hand, and by queueing theory. */

import t from 'tap'
import type { Policy, SimulatedRouter } from '../../src/sim/policy.ts'
import type { SimulationResult } from '../../src/sim/result.ts'
import { createSimulation, simulate } from '../../src/sim/simulation.ts'
import type { Change, Clients, World } from '../../src/sim/world.ts'
import { smallWorld } from '../support/small-world.ts'

/** A policy that is one function; every router is the same. */
function policyOf(choose: SimulatedRouter['choose'], more: Partial<SimulatedRouter> = {}): Policy {
  return {
    name: 'by hand',
    createRouters: ({ routers }) =>
      Array.from({ length: routers.count }, () => ({ choose, useSnapshot: () => {}, ...more })),
  }
}

const first = policyOf((_city, _network, _transport, _now, avoid) => avoid.length)
const whole = { fromMs: 0, toMs: 600_000, label: '' }
const impatient: Clients = {
  networksPerCity: 10,
  retry: { attempts: 1, firstDelayMs: 0, factor: 1 },
  timeoutMs: Number.POSITIVE_INFINITY,
}
/** Arrivals at given times, each with its service time. */
function arrivals(atMs: readonly number[], serviceMs: number): Pick<World, 'demand'> {
  const trace = { atMs: Float64Array.from(atMs), serviceMs: new Float64Array(atMs.length).fill(serviceMs) }
  return { demand: { perSecond: Float64Array.of(1), daily: false, trace } }
}

function ends({ totals }: SimulationResult) {
  const { requests, served, refused, failed, inFlight, retries } = totals
  return { requests, served, refused, failed, inFlight, retries }
}

t.test('worlds that can be worked out by hand', async t => {
  const down = (fromMs: number, toMs: number): Change => ({
    fromMs,
    toMs,
    label: '',
    kind: 'down',
    regions: [0],
    slowStartMs: 0,
  })
  const retry = (attempts: number, firstDelayMs: number) => ({
    clients: { ...impatient, retry: { attempts, firstDelayMs, factor: 2 } },
  })
  const redirect = { routers: { ...smallWorld([[1]], [1], [1]).routers, transport: { proxy: 0, redirect: 1, dns: 0 } } }
  const none = { requests: 2, served: 2, refused: 0, failed: 0, inFlight: 0, retries: 0 }
  const cases: readonly (readonly [string, World, object, object])[] = [
    [
      'two at once in one slot: one waits',
      smallWorld([[20]], [1], [1], arrivals([100, 100], 500)),
      none,
      { meanRttMs: 20, meanWaitMs: 250, meanCostMs: 270, meanResponseMs: 770 },
    ],
    [
      'no room to wait: the second is refused',
      smallWorld([[20]], [1], [1], { ...arrivals([100, 100], 500), queueLimit: 0 }),
      { ...none, served: 1, refused: 1 },
      { meanWaitMs: 0, availability: 0.5 },
    ],
    [
      'it tries again: after 20 ms of travel and 600 ms it finds the slot free',
      smallWorld([[20]], [1], [1], { ...arrivals([100, 100], 500), queueLimit: 0, ...retry(2, 600) }),
      { ...none, retries: 1 },
      { meanRttMs: 20, meanWaitMs: 310, meanResponseMs: 830 },
    ],
    [
      'tries are spaced ever wider, and at the third it gives up',
      smallWorld([[20]], [1], [1], { ...arrivals([100, 100], 5000), queueLimit: 0, ...retry(3, 600) }),
      { ...none, served: 1, refused: 1, retries: 2 },
      { meanWaitMs: 0 },
    ],
    [
      'patience ends in the queue',
      smallWorld([[20]], [1], [1], { ...arrivals([100, 100], 5000), clients: { ...impatient, timeoutMs: 6000 } }),
      { ...none, served: 1, failed: 1 },
      { meanWaitMs: 0 },
    ],
    [
      'patience ends while served, and the slot is free for the next',
      smallWorld([[20]], [1], [1], { ...arrivals([100, 1100], 5000), clients: { ...impatient, timeoutMs: 3000 } }),
      { ...none, served: 0, failed: 2 },
      { availability: 0 },
    ],
    [
      'every request takes twice its time in a slow region',
      smallWorld([[20]], [2], [1], {
        ...arrivals([100, 100], 500),
        changes: [{ ...whole, kind: 'slow', regions: [0], factor: 2 }],
      }),
      none,
      { meanWaitMs: 0, meanResponseMs: 1020 },
    ],
    [
      'a proxy finds the region dead and goes on to the next: the way there and back was for nothing',
      smallWorld([[20, 50]], [2, 2], [1], { ...arrivals([100, 100], 500), changes: [down(0, 600_000)] }),
      none,
      { meanRttMs: 50, meanWaitMs: 20, meanResponseMs: 570 },
    ],
    [
      'who was redirected has to try again, and finds it dead again',
      smallWorld([[20, 50]], [2, 2], [1], {
        ...arrivals([100, 100], 500),
        ...redirect,
        ...retry(2, 100),
        changes: [down(0, 600_000)],
      }),
      { ...none, served: 0, failed: 2, retries: 2 },
      { availability: 0 },
    ],
    [
      'a region dies with what it serves and what waits; the proxy goes on with both',
      smallWorld([[20, 50]], [1, 2], [1], { ...arrivals([100, 100], 500), changes: [down(400, 600_000)] }),
      none,
      { meanRttMs: 50, meanWaitMs: 310 },
    ],
    [
      'half of the slots',
      smallWorld([[20]], [2], [1], {
        ...arrivals([100, 100], 500),
        changes: [{ ...whole, kind: 'capacity', regions: [0], factor: 0.5 }],
      }),
      none,
      { meanWaitMs: 250 },
    ],
    [
      'back from the dead with a tenth of its slots, and all of them later',
      smallWorld([[20]], [10], [1], {
        ...arrivals([1000, 1000, 11_000, 11_000], 500),
        changes: [{ ...down(0, 500), slowStartMs: 10_000 } as Change],
      }),
      { ...none, requests: 4, served: 4 },
      { meanWaitMs: 125 },
    ],
    [
      'nobody takes it',
      smallWorld([[20]], [0], [1], arrivals([100, 100], 1)),
      { ...none, served: 0, refused: 2 },
      { availability: 0 },
    ],
    [
      'whoever is under way at the end is neither served nor lost',
      smallWorld([[20]], [1], [1], { ...arrivals([100, 59_900], 500) }),
      { ...none, served: 1, inFlight: 1 },
      { availability: 1 },
    ],
  ]
  for (const [why, world, counts, means] of cases) {
    const policy = why === 'nobody takes it' ? policyOf(() => -1) : first
    const result = simulate(world, policy)
    t.same(ends(result), counts, why)
    const rounded = Object.fromEntries(
      Object.entries(result.totals).map(([key, value]) => [key, Math.round(1e6 * value) / 1e6]),
    )
    t.match(rounded, means, why)
  }
})

t.test('waits are those that Erlang foretold', async t => {
  for (const [slots, perSecond, tolerance] of [
    [1, 8, 0.06],
    [10, 80, 0.03],
    [50, 450, 0.03],
  ] as const) {
    const world = smallWorld([[0]], [slots], [perSecond], {
      durationMs: 3_000_000,
      service: { kind: 'exponential', meanMs: 100 },
      queueLimit: Number.POSITIVE_INFINITY,
    })
    const { meanWaitMs, meanResponseMs } = simulate(world, first).totals
    const expected = erlangWaitMs(slots, perSecond, 100)
    t.ok(Math.abs(meanWaitMs / expected - 1) < tolerance, `${slots} slots: ${meanWaitMs} ms for ${expected} ms`)
    t.ok(Math.abs(meanResponseMs - meanWaitMs - 100) < 1, 'the service takes its mean')
  }
})

/** Mean wait in M/M/c (Erlang C). */
function erlangWaitMs(slots: number, perSecond: number, serviceMs: number): number {
  const load = (perSecond * serviceMs) / 1000
  let blocking = 1
  for (let slot = 1; slot <= slots; slot++) blocking = (load * blocking) / (slot + load * blocking)
  const waiting = blocking / (1 - (load / slots) * (1 - blocking))
  return (waiting * serviceMs) / (slots - load)
}

/** Everything that can happen at once. */
const hard: World = smallWorld(
  [
    [20, 90, 150],
    [80, 30, 60],
  ],
  [20, 15, 10],
  [30, 25],
  {
    durationMs: 90_000,
    jitterSigma: 0.2,
    service: { kind: 'lognormal', meanMs: 700, sigma: 0.8 },
    demand: {
      perSecond: Float64Array.of(30, 25),
      daily: false,
      bursts: { perSecond: 0.2, clients: 40, withinMs: 300 },
    },
    queueLimit: 12,
    clients: { networksPerCity: 20, retry: { attempts: 3, firstDelayMs: 300, factor: 2 }, timeoutMs: 4000 },
    routers: {
      count: 3,
      reportEveryMs: 2000,
      reportDelayMs: 200,
      snapshotEveryMs: 1000,
      publishEveryMs: 200,
      tollsEveryMs: 2000,
      transport: { proxy: 0.4, redirect: 0.3, dns: 0.3 },
      ttlMs: 5000,
    },
    changes: [
      { fromMs: 10_000, toMs: 40_000, label: 'more', kind: 'demand', cities: [0], factor: 1.5 },
      { fromMs: 20_000, toMs: 30_000, label: 'dead', kind: 'down', regions: [0], slowStartMs: 10_000 },
      { fromMs: 35_000, toMs: 60_000, label: 'slow', kind: 'slow', regions: [1], factor: 2 },
      { fromMs: 50_000, toMs: 70_000, label: 'less', kind: 'capacity', regions: [2], factor: 0.5 },
      { fromMs: 60_000, toMs: 80_000, label: 'lost', kind: 'store-lost' },
      { fromMs: 5000, toMs: 80_000, label: 'cut', kind: 'cut-off', router: 1 },
    ],
  },
)
const hash = policyOf((city, network, _transport, now) => (city * 7 + network + Math.floor(now / 700)) % 3)

t.test('the same seed gives the same run, in one go or in slices; another seed another', async t => {
  const once = JSON.stringify(simulate(hard, hash))
  t.equal(JSON.stringify(simulate(hard, hash)), once)
  const slices = createSimulation(hard, hash)
  for (let at = 0; at < hard.durationMs; at += 777) slices.advanceTo(at)
  slices.advanceTo(hard.durationMs * 2)
  t.equal(slices.now, hard.durationMs)
  t.equal(JSON.stringify(slices.result()), once)
  t.not(JSON.stringify(simulate({ ...hard, seed: 2 }, hash)), once)
})

t.test('no request is lost or counted twice, and every flight ends', async t => {
  let [open, begun] = [0, 0]
  const follow = () => {
    open++
    begun++
    return {
      end: () => {
        open--
      },
    }
  }
  for (let seed = 1; seed <= 10; seed++) {
    // The last seconds are quiet, so that everything ends.
    const quiet: Change = { fromMs: 90_000, toMs: 300_000, label: '', kind: 'demand', cities: [0, 1], factor: 0 }
    const { bursts: _, ...demand } = hard.demand
    const world = { ...hard, demand, seed, durationMs: 200_000, changes: [...hard.changes, quiet] }
    const result = simulate(world, policyOf(hash.createRouters(hard)[0]!.choose, { follow }))
    const { requests, served, refused, failed, inFlight } = result.totals
    t.equal(inFlight, 0, `seed ${seed}`)
    t.equal(requests, served + refused + failed)
    t.ok(served > 0 && refused > 0 && failed > 0, 'each of them happened')
    t.same(
      result.regions.map(({ utilisation, queue }) => [utilisation.at(-1), queue.at(-1)]),
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      'nobody holds a slot or a place in a line that is not his',
    )
    t.equal(open, 0, 'and nobody follows anything any more')
    const byCity = result.cities.map(city => city.servedBy.reduce((sum, each) => sum + each, 0))
    t.equal(
      byCity.reduce((sum, each) => sum + each),
      served,
      'the cities were served as much as all in all',
    )
    t.equal(
      result.cities.reduce((sum, city) => sum + city.requests, 0),
      requests,
    )
    const { seconds, requestsPerSecond } = result.series
    t.equal(Math.round(requestsPerSecond.reduce((sum, each) => sum + each, 0) * (seconds[1]! - seconds[0]!)), requests)
  }
  t.ok(begun > 1000)
})

t.test('every policy meets the same requests', async t => {
  const demandOf = ({ cities, series }: SimulationResult) => [
    cities.map(({ requests }) => requests),
    series.requestsPerSecond,
  ]
  t.same(demandOf(simulate(hard, hash)), demandOf(simulate(hard, first)))
})

t.test('an answer by DNS is used until it ends, by its network alone', async t => {
  const asked: number[] = []
  const policy = policyOf((city, network, transport, now) => {
    t.equal(transport, 'dns')
    asked.push(now)
    return (city + network) % 2
  })
  const atMs = Array.from({ length: 2000 }, (_, index) => 10 * index)
  const routers = { ...hard.routers, transport: { proxy: 0, redirect: 0, dns: 1 }, ttlMs: 7000 }
  const clients = { ...impatient, networksPerCity: 1 }
  const world = smallWorld([[10, 20]], [99, 99], [1], { ...arrivals(atMs, 100), routers, clients })
  const result = simulate(world, policy)
  const [first, second, ...later] = asked as [number, number, ...number[]]
  t.equal(first, 0)
  t.ok(second > 0 && second <= 7000, `the first answer is some way into its lifetime: ${second}`)
  t.same(
    later,
    [1, 2].map(times => second + 7000 * times).filter(at => at < 20_000),
  )
  t.same(result.cities[0]!.servedBy, [2000, 0])
  asked.length = 0
  simulate({ ...world, routers: { ...routers, ttlMs: 0 } }, policy)
  t.equal(asked.length, 2000, 'with a TTL of 0 everybody asks')
})
