/** Pins what routers get to see of the fleet, how late, and what becomes of that when somebody or something is silent. */

import t from 'tap'
import type { Snapshot } from '../../src/regions/snapshot.ts'
import type { Policy } from '../../src/sim/policy.ts'
import { createSimulation, type Simulation } from '../../src/sim/simulation.ts'
import type { Change, World } from '../../src/sim/world.ts'
import { exampleRegion } from '../support/example-region.ts'
import { smallWorld } from '../support/small-world.ts'

interface Seen {
  readonly router: number
  readonly now: number
  readonly snapshot: Snapshot
}

/** A fleet whose routers write down all that they are told. Each tells its number; a leader asks 7 ms more each time. */
class Witness {
  readonly snapshots: Seen[] = []
  readonly others: { readonly router: number; readonly now: number; readonly sums: readonly unknown[] }[] = []
  readonly led: { readonly router: number; readonly now: number; readonly everyone: readonly unknown[] }[] = []
  readonly simulation: Simulation

  constructor(world: World) {
    const policy: Policy = {
      name: 'witness',
      createRouters: () =>
        Array.from({ length: world.routers.count }, (_, router) => ({
          choose: () => 0,
          useSnapshot: (snapshot, now) => this.snapshots.push({ router, now, snapshot }),
          sums: () => router,
          useOthers: (sums, now) => this.others.push({ router, now, sums }),
          computeTolls: (everyone, now) => {
            this.led.push({ router, now, everyone })
            return new Map([['region-0', 7 * this.led.length]])
          },
        })),
    }
    this.simulation = createSimulation(world, policy)
    this.simulation.advanceTo(world.durationMs)
  }

  /** The last that this router saw by then. */
  last(router: number, at: number): Snapshot {
    return this.snapshots.findLast(seen => seen.router === router && seen.now <= at)!.snapshot
  }
}

const span = (fromMs: number, toMs: number) => ({ fromMs, toMs, label: '' })

function world(changes: readonly Change[], more: Partial<World> = {}): World {
  const base = smallWorld([[20, 20]], [100, 50], [50], { changes, ...more })
  const probe = { path: '/', status: 200 }
  const regions = base.regions.map(region =>
    exampleRegion(region.id, {
      capacityRequests: region.capacityRequests!,
      endpoints: { ...region.endpoints, probe },
    }),
  )
  return { ...base, regions, routers: { ...base.routers, count: 3 } }
}

const conditionAt = (witness: Witness, at: number) =>
  witness.last(1, at).regions.map(({ verdict }) => verdict.condition)

t.test('reports come as often as they should, and as late', async t => {
  const witness = new Witness(world([]))
  const stamps = [0, 1, 2].map(router => [
    ...new Set(
      witness.snapshots
        .filter(seen => seen.router === router)
        .flatMap(seen => seen.snapshot.regions[0]!.load?.receivedAt ?? []),
    ),
  ])
  t.same(stamps[0], stamps[1], 'every router reads the same')
  t.ok(stamps[0]!.length >= 29)
  for (let report = 1; report < stamps[0]!.length; report++) {
    t.ok(Math.abs(stamps[0]![report]! - stamps[0]![report - 1]! - 2000) < 1e-6, 'every two seconds')
  }
  const delays = witness.snapshots.flatMap(({ now, snapshot }) =>
    snapshot.regions[0]!.load === undefined ? [] : now - snapshot.regions[0]!.load.receivedAt,
  )
  t.ok(Math.max(...delays) < 3000 && Math.min(...delays) >= 0)
  const { load } = witness.last(0, 60_000).regions[0]!
  t.ok(load!.inflight! > 20 && load!.inflight! < 90, 'fifty a second, each a second long')
  t.ok(Math.abs(load!.latencyMs! - 1000) < 1)
  t.ok(Math.abs(load!.requestsPerSecond! - 50) < 20)
})

t.test('a capacity that changes much is seen at once, by everybody', async t => {
  const witness = new Witness(world([{ ...span(30_500, 60_000), kind: 'capacity', regions: [0], factor: 0.5 }]))
  const seen = [0, 1, 2].map(
    router =>
      witness.snapshots.find(each => each.router === router && each.snapshot.regions[0]!.load?.capacityRequests === 50)!
        .now,
  )
  t.equal(new Set(seen).size, 1)
  t.ok(seen[0]! > 30_700 && seen[0]! <= 32_700, 'with the first report after it')
})

t.test('a region that dies is found by probes, and found again', async t => {
  const witness = new Witness(world([{ ...span(20_000, 40_000), kind: 'down', regions: [1], slowStartMs: 0 }]))
  t.same(conditionAt(witness, 19_000), ['up', 'up'])
  t.same(conditionAt(witness, 28_500), ['up', 'down'], 'one interval of probes and two rechecks later')
  t.same(conditionAt(witness, 50_000), ['up', 'up'])
  t.ok(witness.last(1, 50_000).regions[1]!.since > 40_000, 'and new, for a slow start')
  t.equal(witness.last(1, 50_000).regions[0]!.since, 0)
})

t.test('a region that dies unprobed is missed when its lease ends', async t => {
  const base = world([{ ...span(20_000, 40_000), kind: 'down', regions: [1], slowStartMs: 0 }])
  const regions = base.regions.map(({ id, capacityRequests }) =>
    exampleRegion(id, { capacityRequests: capacityRequests! }),
  )
  const witness = new Witness({ ...base, regions })
  t.same(conditionAt(witness, 27_000), ['up', 'up'])
  t.same(conditionAt(witness, 32_500), ['up', 'down'])
  t.same(conditionAt(witness, 44_000), ['up', 'up'])
})

t.test('routers tell each other, and one of them sets the tolls', async t => {
  const witness = new Witness(world([]))
  const late = witness.others.filter(({ now }) => now > 1000)
  t.ok(late.length > 800)
  t.ok(
    late.every(({ router, sums }) => sums.length === 2 && !sums.includes(router)),
    'each hears the two others',
  )
  t.equal(new Set(witness.led.map(({ router }) => router)).size, 1)
  t.same(
    witness.led.map(({ now }) => now),
    Array.from({ length: 30 }, (_, index) => 2000 * (index + 1)),
  )
  t.same(witness.led[3]!.everyone, [0, 1, 2])
  t.equal(witness.last(2, 59_000).regions[0]!.tollMs, 7 * 29)
})

t.test('a leader that is cut off is followed by another within five seconds', async t => {
  const { router: leader } = new Witness(world([])).led[0]!
  const witness = new Witness(world([{ ...span(20_500, 40_500), kind: 'cut-off', router: leader }]))
  const without = witness.led.filter(({ now }) => now > 20_500 && now < 40_500)
  t.not(without[0]!.router, leader)
  t.ok(without[0]!.now <= 25_500)
  t.equal(new Set(without.map(({ router }) => router)).size, 1, 'by one')
  t.notOk(without.at(-1)!.everyone.includes(leader), 'what it told is forgotten')
  const heard = witness.others.filter(({ router, now }) => router === leader && now > 20_500 && now < 40_500)
  t.same(heard, [], 'it hears nothing')
  const before = witness.last(leader, 20_500).regions[0]!
  const lonely = witness.last(leader, 30_400).regions[0]!
  t.equal(lonely.load!.receivedAt, before.load!.receivedAt, 'it goes on with what it knew')
  t.equal(lonely.tollMs, before.tollMs)
  t.ok(witness.last(leader, 45_000).regions[0]!.load!.receivedAt > 40_500, 'and comes back')
})

t.test('without the store nobody lapses, and tolls fade', async t => {
  const witness = new Witness(world([{ ...span(20_100, 50_100), kind: 'store-lost' }]))
  for (const at of [30_000, 40_000, 50_000, 51_500, 59_000]) t.same(conditionAt(witness, at), ['up', 'up'], `${at}`)
  const toll = (at: number) => witness.last(0, at).regions[0]!.tollMs
  t.equal(toll(29_000), toll(20_000), 'frozen at first')
  t.ok(
    toll(40_100) < 0.9 * toll(20_000) && toll(40_100) > 0.7 * toll(20_000),
    'then as in production: half in thirty seconds',
  )
  t.ok(witness.led.every(({ now }) => now <= 20_100 || now >= 50_100))
  t.ok(toll(59_000) > toll(20_000), 'and back with the store')
})
