/** The report of real runs of a small world. */

import { Script } from 'node:vm'
import t from 'tap'
import { computeOptimum, withOptimum } from '../../src/sim/optimum.ts'
import { nearest } from '../../src/sim/policies/nearest.ts'
import { roundRobin } from '../../src/sim/policies/round-robin.ts'
import { renderReport } from '../../src/sim/report/page.ts'
import { pageScript } from '../../src/sim/report/page-script.ts'
import { byPolicy, median } from '../../src/sim/report/runs.ts'
import type { SimulationResult } from '../../src/sim/result.ts'
import { simulate } from '../../src/sim/simulation.ts'
import { smallWorld } from '../support/small-world.ts'

const truthMs = [
  [10, 80],
  [90, 20],
]
const changes = [
  { kind: 'demand', fromMs: 10_000, toMs: 20_000, label: 'a <crowd> & more', cities: [0], factor: 2 },
] as const

async function run(policy = nearest, seed = 1, name = 'small'): Promise<SimulationResult> {
  const world = smallWorld(truthMs, [12, 12], [8, 4], { name, seed, durationMs: 30_000, changes })
  return withOptimum(simulate(world, policy), (await computeOptimum(world))!)
}

/** A square and a triangle. */
const land = [
  [0, 0, 100, 0, 100, 100, 0, 100],
  [-500, 200, -400, 200, -450, 300],
]

function embedded(html: string): SimulationResult[] {
  return JSON.parse(/<script type="application\/json" id="results">(.*)<\/script>/.exec(html)![1]!)
}

t.test('the results are inside, as they are', async t => {
  const results = [await run(), await run(roundRobin)]
  t.same(embedded(renderReport({ results, land })), JSON.parse(JSON.stringify(results)))
})

t.test('every line leads to its values in the results', async t => {
  const results = [await run(), await run(roundRobin)]
  const html = renderReport({ results, land })
  const data: unknown = JSON.parse(JSON.stringify(results))
  const paths = [...html.matchAll(/data-of="([^"]+)"/g)].map(match => match[1]!)
  t.ok(paths.length > 20, `${paths.length} lines`)
  const wrong = paths.filter(path => {
    const values = path.split('/').reduce((value, key) => (value as Record<string, unknown>)?.[key], data)
    return !Array.isArray(values) || values.length !== results[0]!.series.seconds.length
  })
  t.same(wrong, [])
})

t.test('the table has the totals of every policy, medians and worst where there are several seeds', async t => {
  const results = [await run(nearest, 1), await run(nearest, 2), await run(nearest, 3), await run(roundRobin)]
  const html = renderReport({ results, land })
  const rows = [...html.matchAll(/<th scope="row" style="[^"]*"><i><\/i>([^<]*)<\/th>(.*?)<\/tr>/g)]
  t.same(
    rows.map(([, policy]) => policy),
    ['nearest', 'round-robin'],
  )
  const valuesOf = (row: number) => [...rows[row]![2]!.matchAll(/data-value="([^"]*)"/g)].map(match => Number(match[1]))
  const costs = results.slice(0, 3).map(({ totals }) => totals.meanCostMs)
  t.equal(valuesOf(0)[1], median(costs))
  t.equal(valuesOf(0)[0], median(results.slice(0, 3).map(({ totals }) => totals.overOptimum!)))
  t.equal(valuesOf(1)[1], results[3]!.totals.meanCostMs)
  t.match(rows[0]![2], /<small>worst /)
  t.notMatch(rows[1]![2], /<small>/)
})

t.test('nothing is fetched, and nothing in a name becomes markup', async t => {
  const html = renderReport({ results: [await run(nearest, 1, '</script><img src=x onerror=alert(1)>')], land })
  t.notMatch(html, /<img/)
  t.notMatch(html, /<crowd>/)
  t.match(html, /a &lt;crowd&gt; &amp; more/)
  t.equal(html.match(/<\/script>/g)!.length, 2)
  t.same(
    [...html.matchAll(/(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?\/\//g)].map(match => match[0]),
    [],
  )
  t.match(html, /default-src 'none'/)
})

t.test('an event within another is seen by where it begins and ends', async t => {
  const result = await run()
  const events = [
    { fromSeconds: 6, toSeconds: 24, label: 'outer' },
    { fromSeconds: 12, toSeconds: 18, label: 'inner' },
  ]
  const html = renderReport({ results: [{ ...result, events }], land })
  const [picture] = html.match(/<svg viewBox="0 0 1000 .*?<\/svg>/)!
  t.same(
    [...picture.matchAll(/class="edge" d="M([\d.]+) 0V/g)].map(match => match[1]),
    ['200.0', '800.0', '400.0', '600.0'],
  )
  t.ok(picture.lastIndexOf('class="band"') < picture.indexOf('class="edge"'), 'no shade hides a line')
})

t.test('what the optimum split is, where it is among the policies', async t => {
  const result = await run()
  t.notMatch(renderReport({ results: [result], land }), /static split/)
  t.match(renderReport({ results: [{ ...result, policy: 'optimum-split' }], land }), /static split.*never reacts/)
})

t.test('the script can be read by a browser', async t => {
  t.doesNotThrow(() => new Script(pageScript))
})

t.test('with nothing to compare there is no comparison; with nothing at all there is still a page', async t => {
  t.notMatch(renderReport({ results: [await run()], land }), /Policies side by side/)
  t.match(renderReport({ results: [], land, title: 'Gate' }), /<h1>Gate<\/h1>/)
})

t.test('numbers that are none are gaps, not pictures', async t => {
  const result = await run()
  const hollow = result.series.meanCostMs.map((value, index) => (index === 5 ? Number.NaN : value))
  const html = renderReport({ results: [{ ...result, series: { ...result.series, meanCostMs: hollow } }], land })
  t.notMatch(html.replace(/<script.*?<\/script>/gs, ''), /NaN|Infinity|undefined/)
  t.equal(embedded(html)[0]!.series.meanCostMs[5], null)
})

t.test('of each policy, the typical run and the worst', async t => {
  const one = await run()
  const withCost = (seed: number, meanCostMs: number, served = 9): SimulationResult => {
    return { ...one, seed, totals: { ...one.totals, meanCostMs, served } }
  }
  for (const [costs, typical, worst] of [
    [[5], 0, 0],
    [[5, 9, 7], 2, 1],
    [[9, 5], 1, 0],
    [[1, Number.NaN, 3], 2, 1],
  ] as const) {
    const [runs] = byPolicy(costs.map((cost, seed) => withCost(seed, cost)))
    t.same([runs!.typical.index, runs!.worst.index], [typical, worst], `${costs}`)
  }
  t.equal(byPolicy([withCost(1, 5), withCost(2, 0, 0)])[0]!.worst.index, 1, 'to serve nobody is the worst')
  t.equal(median([4, 1, 2, Number.NaN]), 2)
  t.equal(median([4, 1]), 2.5)
})
