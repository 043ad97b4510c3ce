/** One run in full: latency, utilisation, what went wrong, tolls, and who served whom. */

import type { SimulationResult } from '../result.ts'
import { duration, escapeHtml, number, percent } from './html.ts'
import type { Run } from './runs.ts'
import { fittingScale, linearScale } from './scale.ts'
import { averageOver, type Line, renderTimeChart, spanWords, type TimeChart, windowFor } from './time-chart.ts'
import { renderWorldMap } from './world-map.ts'

/** Utilisation beyond this is cut off: what matters lies around 1. */
const mostUtilisation = 2

/** Needs the page's `renderLand`. */
export function renderRun(run: Run): string {
  const { result } = run
  return [
    renderTimeChart(latencyChart(run)),
    renderTimeChart(utilisationChart(run)),
    renderTrouble(run),
    renderTolls(run),
    renderWorldMap(result),
  ].join('\n')
}

/** What all charts of a run have in common. */
export function frame(result: SimulationResult): Pick<TimeChart, 'seconds' | 'endSeconds' | 'bands'> {
  return { seconds: result.series.seconds, endSeconds: result.durationSeconds, bands: result.events }
}

export function optimumLine({ index, result }: Run): Line[] {
  const values = result.series.optimumMs
  if (values === undefined) return []
  return [{ name: 'optimum', colour: 'ink', path: `${index}/series/optimumMs`, values, dashed: true }]
}

function latencyChart(run: Run): TimeChart {
  const { series } = run.result
  const line = (name: string, colour: string, key: 'p50Ms' | 'p90Ms' | 'p99Ms' | 'meanCostMs'): Line => ({
    ...{ name, colour, path: `${run.index}/series/${key}`, values: series[key] },
  })
  const lines = [
    line('99 of 100', 'bad', 'p99Ms'),
    line('90 of 100', 'middling', 'p90Ms'),
    line('50 of 100', 'good', 'p50Ms'),
    line('mean', 'ink', 'meanCostMs'),
    ...optimumLine(run),
  ]
  return {
    title: 'Latency',
    note: 'network round trip and wait for a slot that so many requests stay below; the optimum is a mean',
    ...frame(run.result),
    lines,
    scale: fittingScale(lines.flatMap(({ values }) => values).filter(value => value !== null)),
    format: duration,
    unit: 'ms',
  }
}

/** @param most as one of several small charts beside each other: the highest utilisation of all of them */
export function utilisationChart(run: Run, most?: number): TimeChart {
  const small = most !== undefined
  const { result, index } = run
  const lines = result.regions.map(
    (region, at): Line => ({
      ...{ name: region.id, colour: `r${at}`, path: `${index}/regions/${at}/utilisation`, values: region.utilisation },
    }),
  )
  const own = highestUtilisation(run)
  const cut = own > mostUtilisation ? `; cut off at ${percent(mostUtilisation)}, the highest is ${percent(own)}` : ''
  return {
    title: small ? result.policy : 'Utilisation',
    note: small ? `up to ${percent(own)}` : `busy and waiting over slots: above 100 % requests wait${cut}`,
    ...frame(result),
    lines,
    scale: linearScale(Math.min(mostUtilisation, Math.max(1.2, most ?? own)), small ? 3 : 5),
    format: value => `${Math.round(100 * value)} %`,
    unit: 'percent',
    limit: 1,
    small,
  }
}

export function highestUtilisation({ result }: Run): number {
  return result.regions.flatMap(({ utilisation }) => utilisation).reduce((a, b) => Math.max(a, b), 0)
}

function renderTrouble(run: Run): string {
  const { series, totals } = run.result
  const window = windowFor(series.seconds.length)
  const kinds = [
    ['waited over 1 s', 'middling', 'waits'],
    ['refused', 'bad', 'refused'],
    ['failed', 'ink', 'failed'],
  ] as const
  const lines = kinds
    .filter(([, , key]) => series[key].some(value => value > 0))
    .map(
      ([name, colour, key]): Line => ({
        name,
        colour,
        path: `${run.index}/series/${key}`,
        values: averageOver(series[key], window),
      }),
    )
  const title = 'Waits, refusals and failures'
  if (lines.length === 0)
    return renderNothing(title, 'Nobody waited over a second, nobody was refused, nothing failed.')
  return renderTimeChart({
    title,
    window,
    note: `requests a second${window === 1 ? '' : `, mean of ${spanWords(series.seconds, window)}`}; ${percent(totals.waitShare)} of the served waited, ${number(totals.refused)} were refused, ${number(totals.failed)} failed`,
    ...frame(run.result),
    lines,
    scale: linearScale(Math.max(...lines.flatMap(({ values }) => values.map(value => value ?? 0)))),
    format: value => `${number(value)} /s`,
    unit: 'number',
    heightPx: 160,
  })
}

function renderTolls(run: Run): string {
  const { regions } = run.result
  const most = regions.flatMap(({ tollMs }) => tollMs).reduce((a, b) => Math.max(a, b), 0)
  if (most === 0) return renderNothing('Tolls', `${run.result.policy} asks none, or no region was scarce.`)
  return renderTimeChart({
    title: 'Tolls',
    note: 'relative prices, in ms: the least one is 0, and scarce regions are dearer by so much',
    ...frame(run.result),
    lines: regions.map(
      (region, at): Line => ({
        ...{ name: region.id, colour: `r${at}`, path: `${run.index}/regions/${at}/tollMs`, values: region.tollMs },
      }),
    ),
    scale: linearScale(most),
    format: duration,
    unit: 'ms',
    heightPx: 180,
  })
}

/** A sentence instead of an empty picture. */
export function renderNothing(title: string, sentence: string): string {
  return `<p class="nothing"><b>${escapeHtml(title)}</b> ${escapeHtml(sentence)}</p>`
}
