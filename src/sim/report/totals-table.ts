/** What every policy came to, in one table: the median over seeds, and the worst of them. */

import type { Totals } from '../result.ts'
import { duration, escapeHtml, number, percent } from './html.ts'
import { median, type PolicyRuns } from './runs.ts'

export interface Measure {
  readonly name: string
  /** What it is, for whoever points at its name. */
  readonly meaning: string
  readonly of: (totals: Totals) => number
  readonly format: (value: number) => string
  readonly better: 'less' | 'more' | 'neither'
}

export const measures: readonly Measure[] = [
  measure('over optimum', 'mean cost over that of the optimum', totals => totals.overOptimum ?? Number.NaN, percent),
  measure('mean cost', 'network round trip and wait for a slot', totals => totals.meanCostMs, duration),
  measure('round trip', 'mean network round trip', totals => totals.meanRttMs, duration),
  measure('wait', 'mean wait for a slot', totals => totals.meanWaitMs, duration),
  measure('p50', 'of round trip and wait', totals => totals.p50Ms, duration),
  measure('p90', 'of round trip and wait', totals => totals.p90Ms, duration),
  measure('p99', 'of round trip and wait', totals => totals.p99Ms, duration),
  measure('waited > 1 s', 'share of the served', totals => totals.waitShare, percent),
  {
    ...measure('available', 'served of those that came to an end', totals => totals.availability, percent),
    better: 'more',
  },
  measure('refused', 'given up after 503', totals => totals.refused, number),
  measure('failed', 'given up at a dead region', totals => totals.failed, number),
  measure('unfinished', 'still waiting or being served at the end', totals => totals.inFlight, number),
  measure('swing', 'change of utilisation in a second, root mean square', totals => totals.swing, number),
  measure('fullest', 'highest utilisation of any region', totals => totals.mostUtilisation, percent),
  measure('retries', 'further tries of clients', totals => totals.retries, number),
  measure('response', 'round trip, wait and service, mean', totals => totals.meanResponseMs, duration),
  { ...measure('requests', 'of all clients', totals => totals.requests, number), better: 'neither' },
]

function measure(name: string, meaning: string, of: Measure['of'], format: Measure['format']): Measure {
  return { name, meaning, of, format, better: 'less' }
}

export interface Summary {
  readonly middle: number
  readonly worst: number
}

/** NaN where no run has the number. */
export function summarise({ runs }: PolicyRuns, { of, better }: Measure): Summary {
  const values = runs.map(({ result }) => of(result.totals)).filter(Number.isFinite)
  const worst = better === 'more' ? Math.min(...values) : Math.max(...values)
  return { middle: median(values), worst: values.length === 0 ? Number.NaN : worst }
}

/** The best value of each column is set apart; the worst seed stands below the median where there are several. */
export function renderTotals(policies: readonly PolicyRuns[]): string {
  const shown = measures.filter(measure => policies.some(policy => Number.isFinite(summarise(policy, measure).middle)))
  const head = shown.map(({ name, meaning }) => `<th scope="col" title="${meaning}">${escapeHtml(name)}</th>`).join('')
  const rows = policies.map((policy, index) => {
    const cells = shown.map(measure => renderCell(measure, policy, policies))
    return `<tr><th scope="row" style="--c:var(--p${index})"><i></i>${escapeHtml(policy.policy)}</th>${cells.join('')}</tr>`
  })
  return `<div class="scroll" tabindex="0" role="region" aria-label="Totals"><table class="totals"><thead><tr><th scope="col">policy</th>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></div>${renderRemarks(policies)}`
}

/** What is easily mistaken: that the optimum's own shares are not the optimum. */
const remarks: Readonly<Record<string, string>> = {
  'optimum-split':
    'a static split by the optimum’s shares of the expected demand. It never reacts to what happens, so chance alone makes requests wait.',
}

function renderRemarks(policies: readonly PolicyRuns[]): string {
  const said = policies.flatMap(({ policy }) => {
    const remark = remarks[policy]
    return remark === undefined ? [] : [`<p class="remark"><b>${policy}</b>: ${remark}</p>`]
  })
  return said.join('')
}

function renderCell(measure: Measure, policy: PolicyRuns, policies: readonly PolicyRuns[]): string {
  const { middle, worst } = summarise(policy, measure)
  const text = escapeHtml(measure.format(middle))
  const best = isBest(measure, middle, policies) ? `<b>${text}</b>` : text
  const others =
    policy.runs.length > 1 && measure.better !== 'neither'
      ? `<small>worst ${escapeHtml(measure.format(worst))}</small>`
      : ''
  return `<td data-value="${Number.isFinite(middle) ? middle : ''}">${best}${others}</td>`
}

function isBest(measure: Measure, value: number, policies: readonly PolicyRuns[]): boolean {
  if (policies.length < 2 || measure.better === 'neither') return false
  const all = policies.map(policy => summarise(policy, measure).middle).filter(Number.isFinite)
  const [least, most] = [Math.min(...all), Math.max(...all)]
  return least < most && value === (measure.better === 'more' ? most : least)
}
