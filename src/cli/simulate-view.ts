/** The totals of simulated runs as a table on a terminal: a row for each policy, the medians over its seeds. */

import { byPolicy } from '../sim/report/runs.ts'
import { measures, summarise } from '../sim/report/totals-table.ts'
import type { SimulationResult } from '../sim/result.ts'
import { leftAligned, renderTable } from './table.ts'
import type { Paint } from './terminal.ts'

const shown = [
  'over optimum',
  'mean cost',
  'p99',
  'waited > 1 s',
  'refused',
  'failed',
  'available',
  'unfinished',
  'swing',
]
const width = 140

export function renderSimulation(results: readonly SimulationResult[], paint: Paint): string[] {
  const columns = shown.map(name => measures.find(measure => measure.name === name)!)
  const rows = byPolicy(results).map(policy => [
    policy.policy,
    ...columns.map(measure => measure.format(summarise(policy, measure).middle)),
  ])
  const headers = [...leftAligned('policy'), ...shown.map(header => ({ header, align: 'right' as const }))]
  const seeds = new Set(results.map(({ seed }) => seed)).size
  return [
    ...renderTable(headers, rows, width, paint),
    ...(seeds === 1 ? [] : [paint('dim', `Medians over ${seeds} seeds; the report has the worst, too.`)]),
  ]
}
