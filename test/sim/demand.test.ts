/** Pins what a world wants and has at any moment. */

import t from 'tap'
import { capacityAt, constantSpans, daylight, demandAt } from '../../src/sim/demand.ts'
import { smallWorld } from '../support/small-world.ts'

const span = (fromMs: number, toMs: number) => ({ fromMs, toMs, label: '' })

const world = smallWorld([[1, 1, 1]].concat([[1, 1, 1]]), [10, 10, 3], [10, 20], {
  changes: [
    { ...span(10_000, 30_000), kind: 'demand', cities: [0], factor: 3 },
    { ...span(20_000, 40_000), kind: 'demand', cities: [0, 1], factor: 0.5 },
    { ...span(20_000, 50_000), kind: 'capacity', regions: [0], factor: 0.55 },
    { ...span(20_000, 50_000), kind: 'capacity', regions: [2], factor: 0.1 },
    { ...span(40_000, 90_000), kind: 'down', regions: [0, 1], slowStartMs: 0 },
  ],
})

t.test('changes that overlap are multiplied', async t => {
  for (const [at, demand, capacity, why] of [
    [0, [10, 20], [10, 10, 3], 'before anything happens'],
    [10_000, [30, 20], [10, 10, 3], 'a change holds from its first moment'],
    [25_000, [15, 10], [5, 10, 1], 'both at once; slots are whole, and an open region has one'],
    [30_000, [5, 10], [5, 10, 1], 'and no longer at its last'],
    [40_000, [10, 20], [0, 0, 1], 'who is down has no slots'],
  ] as const) {
    t.same([...demandAt(world, at)], demand, why)
    t.same([...capacityAt(world, at)], capacity, why)
  }
})

t.test('a run is cut wherever something changes, and ends with the run', async t => {
  t.same(
    constantSpans(world).map(({ fromMs, toMs }) => [fromMs, toMs]),
    [0, 10_000, 20_000, 30_000, 40_000, 50_000].map((from, index, all) => [from, all[index + 1] ?? 60_000]),
  )
})

t.test('a day has its quiet and its busy hours, and comes to 1', async t => {
  const hour = 3_600_000
  const quarters = Array.from({ length: 96 }, (_, quarter) => daylight((quarter * hour) / 4, 0))
  t.ok(Math.abs(quarters.reduce((sum, each) => sum + each, 0) / 96 - 1) < 1e-9)
  t.ok(daylight(4 * hour, 0) < 0.51, 'four in the morning')
  t.ok(daylight(16 * hour, 0) > 1.49, 'four in the afternoon')
  t.ok(daylight(4 * hour, 180) > 1.49, 'which on the other side is now')
  const daily = smallWorld([[1]], [10], [10], {
    demand: { perSecond: Float64Array.of(10), daily: true },
    durationMs: hour,
  })
  t.equal(constantSpans(daily).length, 4)
})
