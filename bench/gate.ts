/**
 * Does the fleet stay calm? A grid over all that makes a control loop swing: how long requests stay, how long answers live, how
 * old reports are, how many routers there are. Each cell is the design page's fleet twice: with constant demand, and with a step.
 *
 *   npm run bench -- gate [--quick] [--html FILE] [--json FILE]
 *
 * Beside Meridian stands a static split, which never reacts: it says how much of a figure is chance.
 */

import { writeFileSync } from 'node:fs'
import { computeOptimum } from '../src/sim/optimum.ts'
import { meridian } from '../src/sim/policies/meridian.ts'
import { optimumSplit } from '../src/sim/policies/optimum-split.ts'
import type { Policy } from '../src/sim/policy.ts'
import type { GridMeasure, GridResult } from '../src/sim/report/grid.ts'
import { renderReport } from '../src/sim/report/page.ts'
import { simulate } from '../src/sim/simulation.ts'
import type { World } from '../src/sim/world.ts'
import { shippedScenario } from '../test/support/shipped-scenario.ts'
import type { Figures } from './figures.ts'
import { type GateCell, overshootAfter, settlingMs, steadyWorld, stepWorld, swingFrom } from './gate-cell.ts'
import { median } from './median.ts'

export interface GateOptions {
  /** Only some corners of the grid, and one seed. */
  readonly quick?: boolean | undefined
  /** File to draw the heat map into. */
  readonly html?: string | undefined
}

interface Axes {
  readonly staysMs: readonly number[]
  readonly ttlsMs: readonly number[]
  readonly reportsEveryMs: readonly number[]
  readonly routers: readonly number[]
  readonly seeds: readonly number[]
}

const whole: Axes = {
  staysMs: [100, 500, 5000, 30_000],
  ttlsMs: [0, 30_000, 60_000],
  reportsEveryMs: [2000, 5000],
  routers: [4, 16],
  seeds: [1, 2, 3, 4, 5],
}
const corners: Axes = { ...whole, staysMs: [100, 5000], ttlsMs: [0, 30_000], reportsEveryMs: [5000], seeds: [1] }

/** What is measured, and how much of it is too much. */
const measures = [
  {
    name: 'swing',
    bound: 0.15,
    meaning: 'standard deviation of the 5-second mean utilisation, constant demand at 80 %, region that swings most',
  },
  {
    name: 'overshoot',
    bound: 1.1,
    meaning: 'highest 5-second mean utilisation of any region after a step from 60 to 81 %',
  },
] as const

type Stability = Readonly<Record<(typeof measures)[number]['name'], number>>
type PolicyOf = (world: World) => Promise<Policy>

export async function measure({ quick = false, html }: GateOptions = {}): Promise<Figures> {
  const axes = quick ? corners : whole
  const base = { ...(await shippedScenario('regional-surge')), changes: [] }
  const routed = await runGrid(axes, base, async () => meridian)
  // It reads no reports.
  const still = { ...axes, reportsEveryMs: axes.reportsEveryMs.slice(0, 1) }
  const split = await runGrid(still, base, async world => optimumSplit(await computeOptimum(world)))
  const grids = [gridOf('Meridian', axes, routed), gridOf('A static split, which never reacts', still, split)]
  for (const grid of grids) print(grid)
  if (html !== undefined) {
    writeFileSync(html, renderReport({ results: [], grids, land: [], title: 'Is the routing stable?' }))
  }
  const cells = routed.flat()
  const medians = (name: keyof Stability) => cells.map(runs => median(runs.map(run => run[name])))
  const beyond = (name: keyof Stability, bound: number) => medians(name).filter(value => !(value <= bound)).length
  return {
    gateCells: cells.length,
    swingBeyond: beyond('swing', measures[0].bound),
    overshootBeyond: beyond('overshoot', measures[1].bound),
    mostSwing: Math.max(...medians('swing')),
    mostOvershoot: Math.max(...medians('overshoot')),
  }
}

/** By row (stay and TTL), column (reports and routers) and seed. */
async function runGrid(axes: Axes, base: World, policyOf: PolicyOf): Promise<Stability[][][]> {
  const rows: Stability[][][] = []
  for (const stayMs of axes.staysMs) {
    for (const ttlMs of axes.ttlsMs) {
      const row: Stability[][] = []
      for (const reportEveryMs of axes.reportsEveryMs) {
        for (const routers of axes.routers) {
          const runs: Stability[] = []
          for (const seed of axes.seeds) {
            runs.push(await stabilityOf({ ...base, seed }, { stayMs, ttlMs, reportEveryMs, routers }, policyOf))
          }
          row.push(runs)
        }
      }
      rows.push(row)
      console.error(`${stayMs / 1000} s, answers for ${ttlMs / 1000} s: done`)
    }
  }
  return rows
}

async function stabilityOf(base: World, cell: GateCell, policyOf: PolicyOf): Promise<Stability> {
  const [steady, step] = [steadyWorld(base, cell), stepWorld(base, cell)]
  return {
    swing: swingFrom(simulate(steady, await policyOf(steady)), settlingMs(cell)),
    overshoot: overshootAfter(simulate(step, await policyOf(step)), settlingMs(cell)),
  }
}

function gridOf(title: string, axes: Axes, cells: readonly (readonly (readonly Stability[])[])[]): GridResult {
  const seconds = (ms: number) => `${ms / 1000} s`
  const one = (name: keyof Stability, of: (values: readonly number[]) => number) =>
    cells.map(row => row.map(runs => of(runs.map(run => run[name]))))
  const shown = measures.flatMap(({ name, bound, meaning }): GridMeasure[] => [
    { name, meaning, bound, cells: one(name, median) },
    ...(axes.seeds.length === 1
      ? []
      : [{ name: `${name}, worst seed`, meaning, bound, cells: one(name, values => Math.max(...values)) }]),
  ])
  return {
    title,
    rows: [
      { name: 'service', values: axes.staysMs.map(seconds) },
      { name: 'answers live', values: axes.ttlsMs.map(ttl => (ttl === 0 ? 'proxied' : `DNS, ${seconds(ttl)}`)) },
    ],
    columns: [
      { name: 'reports every', values: axes.reportsEveryMs.map(seconds) },
      { name: 'routers', values: axes.routers.map(String) },
    ],
    measures: shown,
  }
}

function print({ title, rows, columns, measures }: GridResult): void {
  const [down, downInner] = rows
  const heads = columns[0].values.flatMap(reports => columns[1].values.map(routers => `${reports} · ${routers}`))
  const line = (label: string, cells: readonly string[]): void =>
    console.log(label.padEnd(24) + cells.map(cell => cell.padStart(10)).join(''))
  for (const { name, bound, cells } of measures) {
    line(`\n${title}: ${name}, bound ${bound}`, [])
    line('reports every · routers', heads)
    cells.forEach((row, place) => {
      const inner = downInner.values.length
      const label = `${down.values[Math.floor(place / inner)]}, ${downInner.values[place % inner]}`
      line(
        label,
        row.map(value => `${value!.toFixed(3)}${value! <= bound ? ' ' : '!'}`),
      )
    })
  }
}
