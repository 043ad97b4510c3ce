/** A grid of runs as a heat map: two parameters down, two across, a measure in every cell, and the bound that it must keep. */

import { escapeHtml, number } from './html.ts'

export interface GridParameter {
  readonly name: string
  /** As they are shown: `0.5 s`. */
  readonly values: readonly string[]
}

export interface GridMeasure {
  readonly name: string
  readonly meaning: string
  /** Highest value that is good. */
  readonly bound: number
  /** By row and column; the second parameter of each runs fastest. Absent where that run makes no sense or was left out. */
  readonly cells: readonly (readonly (number | undefined)[])[]
}

export interface GridResult {
  readonly title: string
  readonly rows: readonly [GridParameter, GridParameter]
  readonly columns: readonly [GridParameter, GridParameter]
  readonly measures: readonly GridMeasure[]
}

/** One table for each measure: numbers in coloured cells, from good to the bound and beyond. */
export function renderGrid(grid: GridResult): string {
  const tables = grid.measures.map(measure => renderMeasure(grid, measure))
  return `<section><h2>${escapeHtml(grid.title)}</h2>${tables.join('')}</section>`
}

function renderMeasure({ rows, columns }: GridResult, { name, meaning, bound, cells }: GridMeasure): string {
  const values = cells.flat().filter(value => value !== undefined)
  const least = Math.min(...values)
  const beyond = values.filter(value => !(value <= bound)).length
  const verdict = beyond === 0 ? `all ${values.length} within` : `${beyond} of ${values.length} beyond`
  const [down, downInner] = rows
  const [across, acrossInner] = columns
  const bodies = down.values.map((outer, i) => {
    const lines = downInner.values.map((inner, j) => {
      const head = j === 0 ? `<th scope="rowgroup" rowspan="${downInner.values.length}">${escapeHtml(outer)}</th>` : ''
      const row = cells[i * downInner.values.length + j] ?? []
      return `<tr>${head}<th scope="row">${escapeHtml(inner)}</th>${row.map(value => renderCell(value, least, bound)).join('')}</tr>`
    })
    return `<tbody>${lines.join('')}</tbody>`
  })
  const outer = across.values.map(value => {
    return `<th scope="colgroup" colspan="${acrossInner.values.length}">${escapeHtml(value)}</th>`
  })
  const inner = across.values.flatMap(() =>
    acrossInner.values.map(value => `<th scope="col">${escapeHtml(value)}</th>`),
  )
  return `<figure class="grid-figure"><figcaption><b>${escapeHtml(name)}</b> <span>${escapeHtml(meaning)}; bound ${number(bound)}: ${verdict}</span></figcaption>
<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(name)}"><table class="heat"><thead><tr><th colspan="2">${escapeHtml(across.name)}</th>${outer.join('')}</tr>
<tr><th>${escapeHtml(down.name)}</th><th>${escapeHtml(downInner.name)} ＼ ${escapeHtml(acrossInner.name)}</th>${inner.join('')}</tr></thead>${bodies.join('')}</table></div></figure>`
}

/** Colour by how near to the bound it is, from the lowest value of all; what is beyond it is also marked in words. */
function renderCell(value: number | undefined, least: number, bound: number): string {
  if (value === undefined) return '<td class="none">–</td>'
  const isWithin = value <= bound
  const used = (value - least) / (bound - least || 1)
  const style = isWithin ? `--used:${(100 * used).toFixed(0)}%` : ''
  return `<td class="${isWithin ? 'within' : 'beyond'}" style="${style}" data-value="${value}">${value.toFixed(3)}${isWithin ? '' : '<span> beyond</span>'}</td>`
}
