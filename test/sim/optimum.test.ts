/** Pins what the best possible router would do in worlds that a person can survey, and how results are held against it. */

import t from 'tap'
import { computeOptimum, intervalAt, withOptimum } from '../../src/sim/optimum.ts'
import type { SimulationResult } from '../../src/sim/result.ts'
import type { World } from '../../src/sim/world.ts'
import { smallWorld } from '../support/small-world.ts'

const rounded = (value: number) => Math.round(1e4 * value) / 1e4

/** A request keeps a slot for a second: as many slots as requests a second are full. */
const cases: [string, World, { meanMs: number; target: number; shares: number[] }[]][] = [
  ['room for everyone', smallWorld([[10, 50]], [100, 100], [80]), [{ meanMs: 10, target: 0.88, shares: [1, 0] }]],
  [
    'what the nearest cannot take goes on',
    smallWorld([[10, 50]], [100, 100], [110]),
    [{ meanMs: 18, target: 0.88, shares: [0.8, 0.2] }],
  ],
  [
    'who has the better alternative gives way',
    smallWorld(
      [
        [10, 20],
        [10, 90],
      ],
      [100, 100],
      [88, 88],
    ),
    [{ meanMs: 14.7727, target: 0.92, shares: [0.0455, 0.9545, 1, 0] }],
  ],
  [
    'a fleet that is fuller has a higher target, with a little to choose from',
    smallWorld([[10, 50]], [100, 100], [188]),
    [{ meanMs: 29.1489, target: 0.98, shares: [0.5213, 0.4787] }],
  ],
  [
    'shorter stays are more room',
    smallWorld([[10, 50]], [100, 100], [110], { service: { kind: 'lognormal', meanMs: 500, sigma: 1 } }),
    [{ meanMs: 10, target: 0.88, shares: [1, 0] }],
  ],
  [
    'a city that asks for nothing is sent to its nearest',
    smallWorld(
      [
        [10, 50],
        [40, 30],
      ],
      [100, 100],
      [80, 0],
    ),
    [{ meanMs: 10, target: 0.88, shares: [1, 0, 0, 1] }],
  ],
  [
    'bursts count as what they come to',
    smallWorld([[10, 50]], [100, 100], [10], {
      demand: {
        perSecond: Float64Array.of(10),
        daily: false,
        bursts: { perSecond: 0.5, clients: 200, withinMs: 1000 },
      },
    }),
    [{ meanMs: 18, target: 0.88, shares: [0.8, 0.2] }],
  ],
  [
    'a trace counts as recorded, not as declared',
    smallWorld([[10, 50]], [10, 10], [1], {
      demand: {
        perSecond: Float64Array.of(1),
        daily: false,
        trace: {
          atMs: Float64Array.from({ length: 660 }, (_, i) => i * 90),
          serviceMs: Float64Array.from({ length: 660 }, (_, i) => 500 + 1000 * (i % 2)),
        },
      },
    }),
    [{ meanMs: 18, target: 0.88, shares: [0.8, 0.2] }],
  ],
]

t.test('tables', async t => {
  for (const [why, world, expected] of cases) {
    const optimum = (await computeOptimum(world))!
    t.same(
      optimum.intervals.map(({ meanMs, target, shares }) => ({
        meanMs: rounded(meanMs),
        target: rounded(target),
        shares: Array.from(shares, rounded),
      })),
      expected,
      why,
    )
    t.equal(rounded(optimum.meanMs), expected[0]!.meanMs)
  }
})

const changing = smallWorld([[10, 50]], [100, 100], [80], {
  changes: [
    { kind: 'demand', fromMs: 10_000, toMs: 20_000, label: 'more', cities: [0], factor: 1.375 },
    { kind: 'down', fromMs: 20_000, toMs: 30_000, label: 'dead', regions: [0], slowStartMs: 0 },
    { kind: 'slow', fromMs: 30_000, toMs: 40_000, label: 'slow', regions: [0], factor: 2 },
    { kind: 'demand', fromMs: 40_000, toMs: 50_000, label: 'nobody', cities: [0], factor: 0 },
  ],
})

t.test('each time of constant demand and capacity has its own', async t => {
  const optimum = (await computeOptimum(changing))!
  t.same(
    optimum.intervals.map(({ fromMs, toMs, requestsPerSecond, meanMs, target }) => [
      fromMs / 1000,
      toMs / 1000,
      rounded(requestsPerSecond),
      rounded(meanMs),
      rounded(target),
    ]),
    [
      [0, 10, 80, 10, 0.88],
      [10, 20, 110, 18, 0.88],
      [20, 30, 80, 50, 0.88],
      [30, 40, 80, 28, 0.88],
      [50, 60, 80, 10, 0.88],
    ],
  )
  const whole = (80 * 10 + 110 * 18 + 80 * 50 + 80 * 28 + 80 * 10) / (80 + 110 + 80 + 80 + 80)
  t.equal(rounded(optimum.meanMs), rounded(whole), 'the mean is over requests')
  for (const [now, fromMs] of [
    [0, 0],
    [9_999, 0],
    [10_000, 10_000],
    [45_000, 50_000],
    [99_000, 50_000],
  ] as const) {
    t.equal(intervalAt(optimum, now).fromMs, fromMs, `at ${now} ms`)
  }
})

t.test('a world without requests, or without regions that live, has no optimum', async t => {
  t.equal(await computeOptimum(smallWorld([[10]], [100], [0])), undefined)
  const dead = { kind: 'down', fromMs: 0, toMs: 60_000, label: 'dead', regions: [0], slowStartMs: 0 } as const
  t.equal(await computeOptimum(smallWorld([[10]], [100], [80], { changes: [dead] })), undefined)
})

t.test('a result is held against it', async t => {
  const optimum = (await computeOptimum(changing))!
  const result = {
    totals: { meanCostMs: 2 * optimum.meanMs },
    series: { seconds: [0, 15, 45, 55] },
  } as unknown as SimulationResult
  const compared = withOptimum(result, optimum)
  t.equal(rounded(compared.totals.overOptimum!), 1)
  t.same(
    compared.series.optimumMs!.map(ms => ms && rounded(ms)),
    [10, 18, null, 10],
  )
  t.same(compared.optimum!.intervals[1], { fromSeconds: 10, toSeconds: 20, ...compared.optimum!.intervals[1] })
})
