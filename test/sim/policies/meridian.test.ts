/** Pins that the simulated Meridian is the production router: where it finds clients, what it counts, what it tells. */

import t from 'tap'
import { formatAddress } from '../../../src/geo/address.ts'
import { meridian } from '../../../src/sim/policies/meridian.ts'
import { nearest } from '../../../src/sim/policies/nearest.ts'
import { addressIn, simulatedLocator } from '../../../src/sim/policies/simulated-locator.ts'
import type { SimulatedRouter } from '../../../src/sim/policy.ts'
import { simulate } from '../../../src/sim/simulation.ts'
import type { World } from '../../../src/sim/world.ts'
import { smallWorld } from '../../support/small-world.ts'
import { down, load, type PlaceName, places, region, snapshotOf, state, up } from '../../support/world.ts'

const city = (place: PlaceName) => ({ ...places[place], name: place, population: 1e6 })
const truthMs = [
  [10, 30, 240],
  [240, 260, 10],
]

/** Clients in Frankfurt and Tokyo, regions there and in Warsaw. */
function worldOf(slots: readonly [number, number, number], perSecond: readonly number[], more: Partial<World> = {}) {
  return smallWorld(truthMs, slots, perSecond, {
    cities: [city('frankfurt'), city('tokyo')],
    regions: [
      region('a-fra', 'frankfurt', { capacityRequests: slots[0] }),
      region('b-waw', 'warsaw', { capacityRequests: slots[1] }),
      region('c-nrt', 'tokyo', { capacityRequests: slots[2] }),
    ],
    ...more,
  })
}

/** @param loads slots taken by region; −1: the region is down */
function report(router: SimulatedRouter, world: World, loads: readonly number[], now = 0): void {
  const states = world.regions.map((region, index) =>
    state(region, {
      verdict: loads[index]! < 0 ? down : up,
      load: load(Math.max(0, loads[index]!), region.capacityRequests!, { receivedAt: now }),
    }),
  )
  router.useSnapshot(snapshotOf(states, 1, now), now)
}

t.test('a city’s networks are where the city is', async t => {
  const world = worldOf([100, 100, 100], [1, 1])
  const locator = simulatedLocator(world)
  for (const [place, network, address] of [
    [0, 0, '1.0.0.0'],
    [0, 9, '1.0.9.0'],
    [1, 0, '1.0.10.0'],
    [1, 9, '1.0.19.0'],
  ] as const) {
    const found = addressIn(world, place, network)
    t.equal(formatAddress(found), address)
    const cell = locator.cells[locator.cellOf(locator.locationNumber(found))]!
    t.equal(cell.country, world.cities[place]!.country, address)
    t.match(locator.locate(found), { city: world.cities[place]!.name, prefixLength: 24 })
  }
  for (const [place, network] of [
    [2, 0],
    [-1, 9],
  ] as const) {
    const nowhere = addressIn(world, place, network)
    t.equal(locator.cellOf(locator.locationNumber(nowhere)), 0, formatAddress(nowhere))
    t.equal(locator.locate(nowhere), undefined)
  }
  const neighbours = simulatedLocator({ ...world, cities: [city('frankfurt'), city('frankfurt'), city('tokyo')] })
  t.equal(neighbours.cells.length, 3, 'cities of one square and country are one cell')
})

t.test('it chooses as the production router does', async t => {
  const world = worldOf([100, 100, 100], [1, 1])
  for (const [loads, city, avoid, expected, why] of [
    [[0, 0, 0], 0, [], 0, 'the nearest'],
    [[0, 0, 0], 1, [], 2, 'the nearest'],
    [[-1, 0, 0], 0, [], 1, 'of those that live'],
    [[130, 0, 0], 0, [], 1, 'a full region costs more than a few milliseconds'],
    [[0, 0, 105], 1, [], 2, 'a little over is not worth the way around the world'],
    [[0, 0, 0], 0, [0], 1, 'what was just found dead is left out'],
    [[0, 0, 0], 0, [0, 1, 2], -1, 'until nothing is left'],
  ] as const) {
    const [router] = meridian.createRouters(world)
    report(router!, world, loads)
    t.equal(router!.choose(city, 3, 'proxy', 0, avoid), expected, `${loads}: ${why}`)
  }
  const [none] = meridian.createRouters(world)
  none!.useSnapshot({ version: 1, takenAt: 0, regions: [] }, 0)
  t.equal(none!.choose(0, 0, 'proxy', 0, []), -1, 'no region at all')
})

t.test('a router counts what it sees, and the others hear of it', async t => {
  const world = worldOf([100, 100, 100], [1, 1], {
    routers: { ...worldOf([1, 1, 1], [1]).routers, count: 2, transport: { proxy: 0.5, redirect: 0, dns: 0.5 } },
  })
  const [first, second] = meridian.createRouters(world) as [SimulatedRouter, SimulatedRouter]
  for (const router of [first, second]) {
    router.advance!(0)
    router.sums!(0)
    report(router, world, [0, 0, 0])
  }
  const flights = Array.from({ length: 120 }, (_, i) => {
    const chosen = first.choose(0, i % 10, 'proxy', 10, [])
    return first.follow!(chosen, 10)!
  })
  for (let i = 0; i < 5; i++) first.choose(1, i, 'dns', 10, [])
  for (const router of [first, second]) router.advance!(200)
  const told = first.sums!(2_200) as { answersPerSecond: number; sentPerSecond: number }
  t.ok(told.sentPerSecond > 0 && told.answersPerSecond > 0, 'answers are told apart from requests')
  t.equal(second.choose(0, 0, 'proxy', 200, []), 0, 'the other router sends to the nearest while it does not know')
  second.useOthers!([told], 200)
  second.advance!(300)
  t.equal(second.choose(0, 0, 'proxy', 300, []), 1, 'and elsewhere when it does')
  for (const flight of flights) flight.end(400)
  first.advance!(400)
  second.useOthers!([first.sums!(400)], 400)
  second.advance!(500)
  t.equal(second.choose(0, 0, 'proxy', 500, []), 0, 'until they have ended')
})

t.test('the leader prices what is asked for beyond its slots', async t => {
  const world = worldOf([50, 100, 100], [80, 20])
  const [router] = meridian.createRouters(world)
  report(router!, world, [50, 30, 20])
  router!.sums!(0)
  for (let now = 0; now < 10_000; now += 100) {
    router!.advance!(now)
    for (let i = 0; i < 10; i++) router!.choose(i < 8 ? 0 : 1, i, 'redirect', now, [])
  }
  const tolls = router!.computeTolls!([router!.sums!(10_000)], 10_000)
  const [frankfurt, warsaw, tokyo] = world.regions.map(({ id }) => tolls.get(id)!) as [number, number, number]
  t.ok(frankfurt > 5 && frankfurt < 50, `Frankfurt, about what Warsaw is farther away: ${frankfurt}`)
  t.same([warsaw, tokyo], [0, 0], 'those with room are free')
})

t.test('a whole run: nobody waits where the nearest region alone would make everybody wait', async t => {
  const world = worldOf([40, 60, 100], [60, 20], {
    durationMs: 40_000,
    routers: { ...worldOf([1, 1, 1], [1]).routers, count: 2 },
  })
  const routed = simulate(world, meridian)
  t.equal(routed.policy, 'meridian')
  t.ok(routed.totals.availability === 1, `${routed.totals.availability}`)
  t.ok(routed.totals.waitShare < 0.01, `${routed.totals.waitShare} waited`)
  t.ok(simulate(world, nearest).totals.waitShare > 0.3, 'the same world without Meridian')
  t.same(simulate(world, meridian), routed, 'the same again')
})
