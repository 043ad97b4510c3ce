/**
 * Keeps the key scenarios inside their bounds: the aims of routing under load, with half as much again for a change that is
 * good on the whole and bad for this seed. `npm run bench -- routing` measures the aims themselves, over five seeds.
 */

import t, { type Test } from 'tap'
import { computeOptimum } from '../../src/sim/optimum.ts'
import { meridian } from '../../src/sim/policies/meridian.ts'
import { optimumSplit } from '../../src/sim/policies/optimum-split.ts'
import type { SimulationResult } from '../../src/sim/result.ts'
import { simulate } from '../../src/sim/simulation.ts'
import { shippedScenario } from '../support/shipped-scenario.ts'

const slack = 1.5

/** Meridian in a scenario, and how much of its mean cost is above the optimum. */
async function run(name: string) {
  const world = await shippedScenario(name)
  const optimum = await computeOptimum(world)
  const result = simulate(world, meridian)
  return { world, optimum, result, excess: result.totals.meanCostMs / optimum!.meanMs - 1 }
}

const percent = (share: number): string => `${(100 * share).toFixed(3)} %`

/** Nobody was turned away, and whoever is still under way is being served. */
function servesAll(t: Test, { totals, regions }: SimulationResult): void {
  t.same([totals.refused, totals.failed], [0, 0], 'nobody is refused or lost')
  const queued = regions.reduce((sum, { queue }) => sum + queue.at(-1)!, 0)
  t.ok(queued < 20, `${queued} wait at the end`)
}

t.test('the design page: 80 % load, Asia asks for a third more, a region loses half of its slots', async t => {
  const { world, optimum, result, excess } = await run('regional-surge')
  servesAll(t, result)
  t.ok(excess <= slack * 0.04, `${percent(excess)} over the optimum`)
  t.ok(result.totals.waitShare <= slack * 0.0005, `${percent(result.totals.waitShare)} wait over 1 s`)
  const swing = result.totals.swing / simulate(world, optimumSplit(optimum)).totals.swing
  t.ok(swing <= 1.5, `swings ${swing} times as much as a split that never reacts`)
})

t.test('the same with 16 routers and reports every 5 s', async t => {
  const { result, excess } = await run('sixteen-routers-slow-reports')
  servesAll(t, result)
  t.ok(excess <= slack * 0.08, `${percent(excess)} over the optimum`)
})

t.test('88 % load', async t => {
  const { result } = await run('full-fleet')
  servesAll(t, result)
  t.ok(result.totals.waitShare <= slack * 0.005, `${percent(result.totals.waitShare)} wait over 1 s`)
})

t.test('a region lost at its peak: a report interval and a second later nobody waits', async t => {
  const { world, result } = await run('region-lost')
  servesAll(t, result)
  const lost = world.changes.find(({ kind }) => kind === 'down')!
  const { seconds, waits, meanWaitMs } = result.series
  const settled = seconds.flatMap((second, place) =>
    1000 * second >= lost.fromMs + world.routers.reportEveryMs + 1000 ? [place] : [],
  )
  t.ok(settled.length > 300, `${settled.length} seconds`)
  t.same(
    settled.filter(place => waits[place]! > 0),
    [],
    'seconds in which a request was sent that waited over 1 s, also while the region comes back',
  )
  const most = Math.max(...settled.map(place => meanWaitMs[place]!))
  t.ok(most < 100, `mean wait in the worst second ${most} ms`)
})

t.test('the store lost for ten minutes, while the demand moves', async t => {
  const { result, excess } = await run('store-lost')
  servesAll(t, result)
  t.ok(result.totals.waitShare <= 0.001, `${percent(result.totals.waitShare)} wait over 1 s`)
  t.ok(excess <= 0.15, `${percent(excess)} over the optimum`)
})

t.test('half of the requests by answers that live for 30 s', async t => {
  const { result, excess } = await run('dns-30s-mixed')
  servesAll(t, result)
  t.ok(result.totals.waitShare <= 0.001, `${percent(result.totals.waitShare)} wait over 1 s`)
  t.ok(excess <= 0.2, `${percent(excess)} over the optimum`)
})
