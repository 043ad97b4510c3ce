/**
 * How near to the optimum Meridian routes: three scored scenarios, the “server busy” one and measured latency, five seeds each,
 * and what a plan and a decision take. `docs/benchmarks.md` speaks of the figures; none needs anything but this repository.
 */

import { computeOptimum, type Optimum } from '../src/sim/optimum.ts'
import { policyNamed } from '../src/sim/policies/policies.ts'
import type { Totals } from '../src/sim/result.ts'
import { simulate } from '../src/sim/simulation.ts'
import type { World } from '../src/sim/world.ts'
import { shippedScenario } from '../test/support/shipped-scenario.ts'
import { cellLocator, decisionNanoseconds, planNanoseconds } from './decision-time.ts'
import type { Figures } from './figures.ts'
import { measure as measureLatency } from './measured-latency.ts'
import { median } from './median.ts'

const seeds = [1, 2, 3, 4, 5]

interface Scored {
  readonly totals: readonly Totals[]
  readonly optimumMs: number
}

/** One policy through one scenario, once for each seed. */
async function run(world: World, policy: string, optimum: Optimum | undefined): Promise<Scored> {
  const chosen = (await policyNamed(policy, async () => optimum))!
  const totals = seeds.map(seed => simulate({ ...world, seed }, chosen).totals)
  return { totals, optimumMs: optimum?.meanMs ?? Number.NaN }
}

/** Median over the seeds, which is the figure, and the worst, which is printed beside it. */
function over(scored: Scored, value: (totals: Totals) => number): { median: number; worst: number } {
  const values = scored.totals.map(value)
  return { median: median(values), worst: Math.max(...values) }
}

const percent = (fraction: number, digits = 1): string => `${(100 * fraction).toFixed(digits)} %`

function print(what: string, { median, worst }: { median: number; worst: number }, show = percent): void {
  console.log(`${what.padEnd(62)} ${show(median).padStart(10)}   worst ${show(worst)}`)
}

export async function measure(): Promise<Figures> {
  const surge = await shippedScenario('regional-surge')
  const optimum = await computeOptimum(surge)
  const meridian = await run(surge, 'meridian', optimum)
  const split = await run(surge, 'optimum-split', optimum)
  const textbook = await run(surge, 'nearest-below-threshold', optimum)
  const excess = (scored: Scored) => over(scored, ({ meanCostMs }) => meanCostMs / scored.optimumMs - 1)
  const rttOverOptimum = excess(meridian)
  const waitShare = over(meridian, totals => totals.waitShare)
  const ratios = meridian.totals.map((totals, i) => totals.swing / split.totals[i]!.swing)
  const swingOverLp = { median: median(ratios), worst: Math.max(...ratios) }
  print('regional-surge: rtt + wait over the optimum', rttOverOptimum)
  print('  nearest region under 85 %, for comparison', excess(textbook))
  print('  requests that wait over 1 s', waitShare, value => percent(value, 3))
  print(
    '  nearest region under 85 %, for comparison',
    over(textbook, totals => totals.waitShare),
  )
  print('  change of utilisation per second over a static LP split', swingOverLp, value => value.toFixed(2))

  const sixteen = await shippedScenario('sixteen-routers-slow-reports')
  const rttOverOptimum16 = excess(await run(sixteen, 'meridian', await computeOptimum(sixteen)))
  print('16 routers, 5 s reports: rtt + wait over the optimum', rttOverOptimum16)
  const waitShare88 = over(
    await run(await shippedScenario('full-fleet'), 'meridian', undefined),
    totals => totals.waitShare,
  )
  print('88 % load: requests that wait over 1 s', waitShare88, value => percent(value, 3))

  const baseline = await run(await shippedScenario('server-busy-baseline'), 'nearest', undefined)
  const spread = await shippedScenario('server-busy-spread')
  const busy = await run(await shippedScenario('server-busy'), 'meridian', undefined)
  const response = (scored: Scored): number => median(scored.totals.map(({ meanResponseMs }) => meanResponseMs))
  const available = (scored: Scored): number => median(scored.totals.map(totals => totals.availability))
  for (const [name, scored] of [
    ['server busy: one region, no retries', baseline],
    ['  the same slots in six regions, nearest', await run(spread, 'nearest', undefined)],
    ['  the same, round robin', await run(spread, 'round-robin', undefined)],
    ['  the same, Meridian and clients that try again', busy],
  ] as const) {
    const words = `${percent(available(scored), 3).padStart(10)} answered, mean response ${response(scored).toFixed(0)} ms`
    console.log(`${name.padEnd(62)} ${words}`)
  }

  const latency = measureLatency()
  const locator = cellLocator()
  const planMicroseconds500 = planNanoseconds(locator) / 1000
  const decisionMicroseconds = decisionNanoseconds(locator) / 1000
  console.log(`${'plan for one audience at 500 regions'.padEnd(62)} ${planMicroseconds500.toFixed(1).padStart(7)} µs`)
  console.log(`${'decision from a ready plan'.padEnd(62)} ${decisionMicroseconds.toFixed(3).padStart(7)} µs`)
  return {
    rttOverOptimum: rttOverOptimum.median,
    waitShare: waitShare.median,
    swingOverLp: swingOverLp.median,
    rttOverOptimum16: rttOverOptimum16.median,
    waitShare88: waitShare88.median,
    availability: available(busy),
    meanResponseReduction: 1 - response(busy) / response(baseline),
    ...latency,
    planMicroseconds500,
    decisionMicroseconds,
  }
}
