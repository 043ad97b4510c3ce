/** The numbers behind a picture, for whoever cannot see it or wants to copy them. */

import { escapeHtml } from './html.ts'

export interface NumbersTable {
  /** First the column of row names. */
  readonly headers: readonly string[]
  /** Texts as they are shown; the first names the row. */
  readonly rows: readonly (readonly string[])[]
}

/** A table that scrolls by itself where the page is narrow; its first column stays. */
export function renderNumbers({ headers, rows }: NumbersTable): string {
  const head = headers.map(header => `<th scope="col">${escapeHtml(header)}</th>`).join('')
  const body = rows.map(([name = '', ...cells]) => {
    return `<tr><th scope="row">${escapeHtml(name)}</th>${cells.map(cell => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`
  })
  return `<div class="scroll" tabindex="0" role="region" aria-label="Numbers"><table><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

/** Folded away below its picture. */
export function renderFoldedNumbers(table: NumbersTable): string {
  return `<details><summary>Numbers</summary>${renderNumbers(table)}</details>`
}
