/**
 * The report: one HTML file that needs nothing else, with the results it shows inside. Policies against each other first, then each
 * in full. Reads no file and knows no path.
 */

import type { SimulationResult } from '../result.ts'
import { colourProperties } from './colours.ts'
import { renderComparison } from './comparison.ts'
import { type GridResult, renderGrid } from './grid.ts'
import { clockTime, escapeHtml, inlineJson, number } from './html.ts'
import { pageScript } from './page-script.ts'
import { renderRun } from './run-section.ts'
import { byPolicy, type PolicyRuns, type Run } from './runs.ts'
import { style } from './style.ts'
import { measures, renderTotals, summarise } from './totals-table.ts'
import { renderLand } from './world-map.ts'

export interface Report {
  /** Runs of one scenario: by policies, seeds, or both; may be empty where there are grids. */
  readonly results: readonly SimulationResult[]
  readonly grids?: readonly GridResult[]
  /** Outlines of land: rings of longitudes and latitudes in turn, in tenths of a degree, as in data/land.json. */
  readonly land: readonly (readonly number[])[]
  /** Above all; the scenario's name where left out. */
  readonly title?: string
}

/** @returns a whole HTML document; element `results` holds the results as JSON */
export function renderReport({ results, grids = [], land, title }: Report): string {
  const policies = byPolicy(results)
  const name = escapeHtml(title ?? results[0]?.scenario ?? grids[0]?.title ?? 'Simulation')
  const regionCount = Math.max(0, ...results.map(({ regions }) => regions.length))
  const colours = `:root{${colourProperties('r', regionCount)}${colourProperties('p', policies.length)}}`
  const body = [
    ...(policies.length === 0 ? [] : [renderOpening(policies)]),
    ...grids.map(renderGrid),
    ...(policies.length < 2 ? [] : [`<section><h2>Policies side by side</h2>${renderComparison(policies)}</section>`]),
    ...(policies.length === 0 ? [] : [renderLand(land), renderRuns(policies)]),
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline'">
<title>${name} · Meridian simulation</title><style>${colours}${style}</style></head>
<body><header><h1>${name}</h1>${renderFacts(results)}</header>
<main>${body.join('\n')}</main>
<script type="application/json" id="results">${inlineJson(results)}</script>
<script>${pageScript}</script></body></html>
`
}

function renderFacts(results: readonly SimulationResult[]): string {
  const [first] = results
  if (first === undefined) return ''
  const seeds = [...new Set(results.map(({ seed }) => seed))]
  const facts = [
    `${clockTime(first.durationSeconds)} simulated`,
    `${number(first.totals.requests)} requests`,
    `${first.cities.length} cities`,
    `${first.regions.length} regions with ${number(first.regions.reduce((sum, { slots }) => sum + slots, 0))} slots`,
    `${first.routers} ${first.routers === 1 ? 'router' : 'routers'}`,
    seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds.join(', ')}: numbers are medians`,
  ]
  return `<p class="facts">${facts.join(' · ')}</p>`
}

/** The policy that this is about: Meridian where it is among them. */
function featured(policies: readonly PolicyRuns[]): PolicyRuns {
  return policies.find(({ policy }) => policy === 'meridian') ?? policies[0]!
}

const tiles = ['over optimum', 'mean cost', 'waited > 1 s', 'available', 'swing', 'fullest']

function renderOpening(policies: readonly PolicyRuns[]): string {
  const runs = featured(policies)
  const shown = tiles.flatMap(tile => {
    const measure = measures.find(({ name }) => name === tile)!
    const { middle } = summarise(runs, measure)
    return Number.isFinite(middle) ? [{ tile, text: measure.format(middle) }] : []
  })
  const list = shown.map(({ tile, text }) => `<div><dd>${escapeHtml(text)}</dd><dt>${escapeHtml(tile)}</dt></div>`)
  return `<section aria-label="Totals"><h2>${escapeHtml(runs.policy)}</h2><dl class="tiles">${list.join('')}</dl>${renderTotals(policies)}</section>`
}

/** The typical run of each policy, and the worst of the featured one; one is seen at a time. */
function renderRuns(policies: readonly PolicyRuns[]): string {
  const { typical: first, worst } = featured(policies)
  const shown = policies.flatMap(({ typical }) => (typical === first && worst !== first ? [first, worst] : [typical]))
  const picks = shown.map(run => {
    const checked = run === first ? ' checked' : ''
    return `<label><input type="radio" name="run" id="pick-${run.index}"${checked}>${escapeHtml(nameOf(run, policies))}</label>`
  })
  const sections = shown.map(run => {
    return `<div class="run" id="run-${run.index}"><h3>${escapeHtml(nameOf(run, policies))}</h3>${renderRun(run)}</div>`
  })
  const rules = shown.map(({ index }) => `:root:has(#pick-${index}:not(:checked)) #run-${index}{display:none}`)
  const choice =
    shown.length < 2 ? '' : `<fieldset class="picks"><legend>One run in full</legend>${picks.join('')}</fieldset>`
  return `<section><style>${rules.join('')}</style><h2>In full</h2>${choice}${sections.join('\n')}</section>`
}

function nameOf({ result }: Run, policies: readonly PolicyRuns[]): string {
  const { runs, worst, typical } = policies.find(({ policy }) => policy === result.policy)!
  if (runs.length === 1) return result.policy
  return `${result.policy}, seed ${result.seed} (${result === worst.result && worst !== typical ? 'worst' : 'median'})`
}
