/** Regions that report nonsense, by fault or on purpose: what the router believes of it, and what its trace says. */

import t from 'tap'
import type { ReceivedLoadReport } from '../../src/regions/load-report.ts'
import type { Believed, RouteRequest } from '../../src/routing/decision.ts'
import type { LiveRouter } from '../../src/routing/router.ts'
import { clientIn, load, region, routerOf, snapshotOf, state } from '../support/world.ts'

const near = region('near', 'frankfurt', { capacityRequests: 100 })
const far = region('far', 'ashburn', { capacityRequests: 100 })

const ask = (network: number): RouteRequest => ({
  address: clientIn('warsaw', network),
  host: 'x',
  path: '/',
  method: 'GET',
})

/** A report of `near` at this time. */
function report(router: LiveRouter, version: number, at: number, said: ReceivedLoadReport): void {
  const states = [
    state(near, { load: { ...said, receivedAt: at } }),
    state(far, { load: load(10, 100, { receivedAt: at }) }),
  ]
  router.useSnapshot(snapshotOf(states, version, at), at)
}

function believed(router: LiveRouter): Believed {
  const { candidates, rejected } = router.explain(ask(0))
  t.same([...candidates, ...rejected].length, 2)
  return candidates.find(each => each.region === 'near')!.believed!
}

t.test('a capacity', async t => {
  for (const [said, expected, why] of [
    [load(50, 100), { capacityRequests: 100, utilisation: 0.5 }, 'as declared'],
    [load(50, 200), { capacityRequests: 200, utilisation: 0.25 }, 'it has grown'],
    [load(50, 50), { capacityRequests: 50, utilisation: 1 }, 'it has shrunk'],
    [load(50, 1e9), { capacityRequests: 400, reportedCapacity: 1e9, utilisation: 0.13 }, 'at most four times'],
    [load(50, 1e-6), { capacityRequests: 1e-6 }, 'next to nothing'],
  ] as const) {
    const router = routerOf([state(near), state(far)])
    router.advance(1_000)
    report(router, 2, 1_000, said)
    t.match(believed(router), expected, why)
    t.notOk('reportedCapacity' in expected === false && 'reportedCapacity' in believed(router), why)
    for (const { costMs } of router.explain(ask(0)).candidates) t.ok(Number.isFinite(costMs), `${why}: ${costMs}`)
  }
})

t.test('a jump is followed within bounds, and forgotten soon', async t => {
  const router = routerOf([state(near), state(far)])
  let version = 1
  const tell = (at: number, inflight: number): void => {
    for (let now = at - 1_900; now <= at; now += 100) router.advance(now)
    report(router, ++version, at, load(inflight, 100))
  }
  tell(2_000, 10)
  t.equal(router.explain(ask(0)).region, 'near')
  tell(4_000, 1e9)
  t.equal(router.explain(ask(0)).region, 'far')
  t.ok(believed(router).utilisation! <= 4, 'no more than four times full')
  tell(6_000, 10)
  tell(8_000, 10)
  t.equal(router.explain(ask(0)).region, 'near', 'two honest reports later it serves again')
})

t.test('a region that always says that it is idle', async t => {
  const router = routerOf([state(near), state(far)])
  for (let i = 0; i < 200; i++) {
    const decision = router.route(ask(i))
    router.follow(decision, 'near')
  }
  for (let second = 1; second <= 60; second++) {
    for (let now = 1_000 * (second - 1) + 100; now <= 1_000 * second; now += 100) router.advance(now)
    report(router, second + 1, 1_000 * second, load(0, 100))
  }
  t.match(believed(router), { utilisation: 0.9, reported: 0, followed: 200 })
})

t.test('a report whose time lies before the last one', async t => {
  for (const back of [1, 5_000, 3_600_000]) {
    const router = routerOf([state(near), state(far)])
    router.advance(10_000_000)
    report(router, 2, 10_000_000, load(20, 100))
    router.advance(10_000_100)
    const states = [state(near, { load: load(30, 100, { receivedAt: 10_000_000 - back }) }), state(far)]
    router.useSnapshot(snapshotOf(states, 3, 10_000_100), 10_000_100)
    const { utilisation } = believed(router)
    t.ok(utilisation! >= 0 && utilisation! <= 0.5, `${back} ms back: ${utilisation}`)
    t.equal(router.explain(ask(0)).region, 'near')
  }
})
