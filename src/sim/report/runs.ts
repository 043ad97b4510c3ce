/** Runs of one scenario, sorted for the report: by policy, and of each policy the one that is typical and the one that went worst. */

import type { SimulationResult } from '../result.ts'

/** A result and its place in the page's data. */
export interface Run {
  readonly index: number
  readonly result: SimulationResult
}

export interface PolicyRuns {
  readonly policy: string
  readonly runs: readonly Run[]
  /** Median of the mean cost over seeds; the lower one of two in the middle. */
  readonly typical: Run
  readonly worst: Run
}

/** Policies in the order of their first run. */
export function byPolicy(results: readonly SimulationResult[]): PolicyRuns[] {
  const groups = Map.groupBy(
    results.map((result, index): Run => ({ index, result })),
    ({ result }) => result.policy,
  )
  return [...groups].map(([policy, runs]) => {
    const ordered = runs.toSorted((a, b) => costOf(a) - costOf(b))
    return { policy, runs, typical: ordered[(ordered.length - 1) >> 1]!, worst: ordered.at(-1)! }
  })
}

/** A run that served nobody has no cost: it is the worst. */
function costOf({ result }: Run): number {
  const { meanCostMs, served } = result.totals
  return served > 0 && Number.isFinite(meanCostMs) ? meanCostMs : Number.MAX_VALUE
}

/** Of any number of seeds; NaN where there is no number. */
export function median(values: readonly number[]): number {
  const ordered = values.filter(Number.isFinite).sort((a, b) => a - b)
  const middle = ordered.length >> 1
  if (ordered.length === 0) return Number.NaN
  return ordered.length % 2 === 1 ? ordered[middle]! : (ordered[middle - 1]! + ordered[middle]!) / 2
}
