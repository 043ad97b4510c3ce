/** Level upon level: what is believed of a round trip. */

import t from 'tap'
import { RttBelief } from '../../../src/routing/latency/belief.ts'

const prior: Readonly<Record<string, number>> = { near: 20, far: 120 }
const priorOf = (region: string) => prior[region]!
const measured = (entries: Readonly<Record<string, readonly [samples: number, ms: number]>>) =>
  new Map(Object.entries(entries).map(([region, [samples, ms]]) => [region, { samples, ms }]))
const rounded = (ms: number) => Math.round(ms * 10) / 10

t.test('measurements replace the prior by shrinkage', async t => {
  // Both regions are measured, the near one as expected: there is nothing that they have in common.
  for (const [samples, expected] of [
    [1, 100],
    [3, 90],
    [99, 80.4],
  ] as const) {
    const belief = new RttBelief('cell', undefined, measured({ near: [samples, 20], far: [samples, 80] }), priorOf)
    // What they have in common is the middle one of 0 and -40, bounded to -10.
    const common = (-10 * 2 * samples) / (2 * samples + 1)
    const shrunk = (samples * 80 + (120 + common)) / (samples + 1)
    t.equal(belief.rttMs('far', 120), shrunk, `${samples} samples`)
    t.ok(Math.abs(belief.rttMs('far', 120) - expected) < 5)
  }
})

t.test('an access line is no reason against the regions that were measured', async t => {
  const belief = new RttBelief('cell', undefined, measured({ near: [30, 45] }), priorOf)
  t.ok(belief.rttMs('near', 20) > 40)
  const gap = belief.rttMs('far', 120) - belief.rttMs('near', 20)
  t.ok(Math.abs(gap - 100) < 2, `the far one is as much farther as before: ${gap}`)
})

t.test('more than an access line could be is the path to that region', async t => {
  const belief = new RttBelief('cell', undefined, measured({ near: [30, 400] }), priorOf)
  t.ok(belief.rttMs('far', 120) < 165, 'the others lose no more than an access line')
  t.ok(belief.rttMs('near', 20) > 380)
})

t.test('an area tells of a difference, each cell has its own distance', async t => {
  const belief = new RttBelief('area', undefined, measured({ near: [1000, 0], far: [1000, 30] }), priorOf)
  t.equal(rounded(belief.rttMs('far', 120)), 149.9)
  t.equal(rounded(belief.rttMs('far', 70)), 99.9, 'a cell of the country that is nearer')
})

t.test('a trace names the level that knows', async t => {
  const cell = new RttBelief('cell', undefined, measured({ near: [10, 25], far: [10, 125] }), priorOf)
  const network = new RttBelief('network', cell, measured({ near: [4, 60] }), priorOf)
  const near = network.trace('near', 20)
  t.match(near, { prior: 20, level: 'network', measured: 60, samples: 4 })
  t.equal(near.believed, network.rttMs('near', 20))
  t.match(network.trace('far', 120), { prior: 120, level: 'cell', measured: 125, samples: 10 })
  t.equal(network.trace('far', 120).believed, network.rttMs('far', 120))
  t.same(network.trace('third', 50), { prior: 50, believed: network.rttMs('third', 50), level: 'prior' })
})
