/** Pins what the simple policies choose from reports, with tables. */

import t from 'tap'
import type { Optimum } from '../../../src/sim/optimum.ts'
import { policyNamed, policyNames } from '../../../src/sim/policies/policies.ts'
import type { SimulatedRouter } from '../../../src/sim/policy.ts'
import type { World } from '../../../src/sim/world.ts'
import { smallWorld } from '../../support/small-world.ts'
import { down, load, snapshotOf, state, up } from '../../support/world.ts'

/** Two cities and three regions of 100, 200 and 100 slots. */
const world = smallWorld(
  [
    [10, 50, 90],
    [90, 50, 10],
  ],
  [100, 200, 100],
  [10, 10],
)

const optimum: Optimum = {
  meanMs: 30,
  intervals: [
    {
      fromMs: 0,
      toMs: 10_000,
      requestsPerSecond: 20,
      meanMs: 30,
      target: 0.9,
      shares: shares([1, 0, 0], [0, 0.25, 0.75]),
    },
    {
      fromMs: 10_000,
      toMs: 60_000,
      requestsPerSecond: 20,
      meanMs: 30,
      target: 0.9,
      shares: shares([0, 1, 0], [0, 1, 0]),
    },
  ],
}

function shares(...rows: readonly (readonly number[])[]): Float64Array {
  return Float64Array.from(rows.flat())
}

async function routersOf(name: string, of: World = world): Promise<readonly SimulatedRouter[]> {
  return (await policyNamed(name, async () => optimum))!.createRouters(of)
}

/** @param loads slots taken by region; −1: the region is down */
function report(router: SimulatedRouter, loads: readonly number[], of: World = world): void {
  const states = of.regions.map((region, index) =>
    state(region, {
      verdict: loads[index]! < 0 ? down : up,
      load: load(Math.max(0, loads[index]!), region.capacityRequests!),
    }),
  )
  router.useSnapshot(snapshotOf(states), 0)
}

t.test('what follows from reports alone', async t => {
  for (const [name, loads, city, avoid, expected, why] of [
    ['nearest', [0, 0, 0], 0, [], 0, 'the nearest'],
    ['nearest', [500, 0, 0], 0, [], 0, 'however full'],
    ['nearest', [0, 0, 0], 1, [], 2, 'each city its own'],
    ['nearest', [-1, 0, 0], 0, [], 1, 'but alive'],
    ['nearest', [-1, -1, -1], 0, [], 0, 'unless none is'],
    ['nearest', [0, 0, 0], 0, [0], 1, 'what was found dead is left out'],
    ['nearest', [0, 0, 0], 0, [0, 1, 2], -1, 'until none is left'],
    ['nearest-below-threshold', [84, 0, 0], 0, [], 0, 'below the threshold'],
    ['nearest-below-threshold', [85, 0, 0], 0, [], 1, 'at the threshold'],
    ['nearest-below-threshold', [85, 170, 0], 0, [], 2, 'the next is full, too'],
    ['nearest-below-threshold', [95, 180, 99], 0, [], 1, 'all are: the one with the least load'],
    ['nearest-below-threshold', [-1, 180, 99], 1, [], 1, 'of those that live'],
    ['nearest-below-threshold', [0, 0, 0], 0, [0, 1, 2], -1, 'none is left'],
    ['linear', [0, 0, 0], 0, [], 0, 'the nearest while all are empty'],
    ['linear', [39, 0, 0], 0, [], 0, '10 + 39 ms against 50'],
    ['linear', [41, 0, 0], 0, [], 1, '10 + 41 ms against 50'],
    ['linear', [41, 180, 0], 0, [], 0, '51 against 140 against 90'],
    ['linear', [-1, 180, 0], 0, [], 2, 'of those that live'],
    ['linear', [0, 0, 0], 0, [0, 1, 2], -1, 'none is left'],
    ['power-of-two', [-1, -1, 7], 0, [], 2, 'one that lives, no choice'],
    ['power-of-two', [-1, 150, 70], 0, [], 2, 'two that live: the less loaded'],
    ['power-of-two', [-1, 130, 70], 0, [], 1, 'by share of their slots'],
    ['power-of-two', [-1, 20, 10], 0, [], 1, 'of equals the nearer'],
    ['power-of-two', [-1, 20, 10], 1, [], 2, 'of equals the nearer'],
    ['power-of-two', [0, 0, 0], 0, [0, 1, 2], -1, 'none is left'],
    ['round-robin', [-1, -1, 0], 0, [], 2, 'only the living have a turn'],
    ['round-robin', [0, 0, 0], 0, [0, 1, 2], -1, 'none is left'],
    ['optimum-split', [-1, 0, 0], 0, [], 0, 'never reacts'],
    ['optimum-split', [0, 0, 0], 0, [0], 1, 'but to what was found dead'],
    ['optimum-split', [0, 0, 0], 0, [0, 1, 2], -1, 'none is left'],
  ] as const) {
    for (let again = 0; again < 5; again++) {
      const [router] = await routersOf(name)
      report(router!, loads)
      t.equal(router!.choose(city, 0, 'proxy', 0, avoid), expected, `${name} ${loads}: ${why}`)
    }
  }
})

/** Regions chosen by one router, so many of each. */
function counts(router: SimulatedRouter, requests: number, city = 0, now = 0): number[] {
  const found = world.regions.map(() => 0)
  for (let i = 0; i < requests; i++) found[router.choose(city, i % 10, 'proxy', now, [])]!++
  return found
}

t.test('round robin deals in proportion to slots, evenly', async t => {
  const [router] = await routersOf('round-robin')
  report(router!, [0, 0, 0])
  t.same(
    Array.from({ length: 8 }, () => router!.choose(0, 0, 'proxy', 0, [])),
    [1, 0, 2, 1, 1, 0, 2, 1],
  )
  report(router!, [0, -1, 0])
  t.same(counts(router!, 100), [50, 0, 50], 'and among the living when one has died')
})

t.test('power of two choices draws by slots and takes the emptier', async t => {
  const [router] = await routersOf('power-of-two')
  report(router!, [90, 100, 10])
  const [first, second, third] = counts(router!, 10_000) as [number, number, number]
  t.equal(first, 0, 'the fullest loses every comparison')
  // Pairs by slots, without repetition: 0 and 1 with 1/4·2/3 + 1/2·1/2 = 5/12, all others have the third in them.
  t.ok(Math.abs(second - 4167) < 150, `${second}`)
  t.ok(Math.abs(third - 5833) < 150, `${third}`)
})

t.test('the optimum’s shares, by lot', async t => {
  const [router] = await routersOf('optimum-split')
  t.same(counts(router!, 100), [100, 0, 0])
  const [none, quarter, most] = counts(router!, 10_000, 1) as [number, number, number]
  t.equal(none, 0)
  t.ok(Math.abs(quarter - 2500) < 150 && quarter + most === 10_000, `${quarter}`)
  t.same(counts(router!, 100, 1, 10_000), [0, 100, 0], 'as they are at the time')
  const split = await policyNamed('optimum-split', async () => undefined)
  t.equal(split!.createRouters(world)[0]!.choose(1, 0, 'proxy', 0, []), 2, 'where there is none: the nearest')
})

t.test('chance comes from the world’s seed, and each router has its own', async t => {
  const four: World = { ...world, routers: { ...world.routers, count: 4 } }
  for (const name of ['power-of-two', 'optimum-split']) {
    const drawn = async (of: World) => {
      const routers = await routersOf(name, of)
      for (const router of routers) report(router, [0, 0, 0])
      return routers.map(router => Array.from({ length: 50 }, () => router.choose(1, 0, 'proxy', 0, [])).join(''))
    }
    const once = await drawn(four)
    t.same(await drawn(four), once, `${name}: the same again`)
    t.equal(new Set(once).size, 4, `${name}: not the same for two routers`)
    t.notSame(await drawn({ ...four, seed: 2 }), once, `${name}: not the same with another seed`)
  }
})

t.test('every policy is found by its name', async t => {
  t.equal(policyNames[0], 'meridian')
  for (const name of policyNames) t.equal((await policyNamed(name, async () => optimum))!.name, name)
  t.equal(await policyNamed('fastest', async () => optimum), undefined)
})
