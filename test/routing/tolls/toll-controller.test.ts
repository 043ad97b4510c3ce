import t from 'tap'
import type { RegionState } from '../../../src/regions/snapshot.ts'
import type { LiveRouter } from '../../../src/routing/router.ts'
import { TollController } from '../../../src/routing/tolls/toll-controller.ts'
import { clientIn, down, load, type PlaceName, region, routerOf, rule, snapshotOf, state } from '../../support/world.ts'

const ask = (place: PlaceName, network = 0) => ({
  address: clientIn(place, network),
  host: 'api.example.com',
  path: '/',
  method: 'GET',
})

const fra = (more: Partial<RegionState> = {}) =>
  state(region('fra', 'frankfurt'), { load: load(0, 40), since: -1e6, ...more })
const iad = (more: Partial<RegionState> = {}) =>
  state(region('iad', 'ashburn'), { load: load(0, 400), since: -1e6, ...more })

/** Ten seconds and more of a steady demand from Warsaw, in requests a second. */
function drive(router: LiveRouter, perSecond: number, seconds = 60): void {
  for (let tick = 0; tick < 10 * seconds; tick++) {
    const now = 100 * tick
    for (let i = 0; i < perSecond / 10; i++) router.route(ask('warsaw', i))
    router.advance(now)
    router.sums(now)
  }
}

t.test('demand beyond what a region holds gives it a toll, and the others none', async t => {
  for (const [perSecond, expensive] of [
    [20, false],
    [80, true],
  ] as const) {
    const router = routerOf([fra(), iad()], { temperatureMs: 4 })
    drive(router, perSecond)
    const tolls = router.stepTolls(new TollController(), [router.sums(60_000)], 60_000)
    t.equal(tolls.get('fra')! > 50, expensive, `${perSecond} a second on 40 slots of a second: ${tolls.get('fra')}`)
    t.equal(tolls.get('iad'), 0)
  }
})

t.test('what other routers are asked for counts as much', async t => {
  const [one, other] = [routerOf([fra(), iad()]), routerOf([fra(), iad()])]
  drive(one, 20)
  drive(other, 60)
  const tolls = one.stepTolls(new TollController(), [one.sums(60_000), other.sums(60_000)], 60_000)
  t.ok(tolls.get('fra')! > 50)
})

t.test('a region that is not used has no toll, and takes no part', async t => {
  const router = routerOf([fra({ verdict: down }), iad()])
  drive(router, 80)
  t.same(
    [...router.stepTolls(new TollController(), [router.sums(60_000)], 60_000)],
    [
      ['fra', 0],
      ['iad', 0],
    ],
  )
})

t.test('audiences of rules or places that this router does not know are left out', async t => {
  const router = routerOf([fra(), iad()])
  const strange = [
    { rule: 'no-such-rule', latitude: 52, longitude: 21, country: 'PL', requestsPerSecond: 1000 },
    { rule: 'default', latitude: 1, longitude: 1, country: 'XX', requestsPerSecond: 1000 },
  ]
  const sums = { open: {}, modelled: {}, demand: strange, restPerSecond: 0, sentPerSecond: 0, answersPerSecond: 0 }
  t.same(
    [...router.stepTolls(new TollController(), [sums], 0)],
    [
      ['fra', 0],
      ['iad', 0],
    ],
  )
})

t.test('a later tier does not relieve an earlier one by its price', async t => {
  const rules = [rule({ name: 'tiers', tiers: ['edge', 'cloud'] })]
  const edge = state(region('edge', 'frankfurt', { tier: 'edge' }), { load: load(0, 10), since: -1e6 })
  const router = routerOf([edge, iad()], { rules })
  drive(router, 30)
  const tolls = router.stepTolls(new TollController(), [router.sums(60_000)], 60_000)
  t.equal(tolls.get('iad'), 0)
  t.equal(tolls.get('edge'), 0, 'and where there is no other of its tier, a price would move nobody')
})

t.test('where the model is wrong for long, it is corrected', async t => {
  const controller = new TollController()
  const router = routerOf([fra(), iad()], { temperatureMs: 4 })
  // By its own word a request stays a second; really it is there for two.
  let toll = 0
  for (let second = 0; second < 120; second++) {
    for (let i = 0; i < 30; i++) router.route(ask('warsaw', i))
    const now = 1000 * second
    router.useSnapshot(
      snapshotOf(
        [fra({ load: load(60, 40, { receivedAt: now }) }), iad({ load: load(0, 400, { receivedAt: now }) })],
        second,
        now,
      ),
      now,
    )
    toll = router.stepTolls(controller, [router.sums(now)], now).get('fra')!
    if (second === 5) t.ok(toll < 5, `not at once: ${toll}`)
  }
  t.ok(toll > 20, `but in the end: ${toll}`)
})
