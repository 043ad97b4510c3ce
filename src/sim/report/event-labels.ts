/** Names of shaded times, above a chart: each where its time begins, in as many rows as they need. */

import { escapeHtml } from './html.ts'
import type { Scale } from './scale.ts'

/** A time that is shaded and named. */
export interface Band {
  readonly fromSeconds: number
  readonly toSeconds: number
  readonly label: string
}

/** Room that a character needs, as a share of a wide chart. */
const characterWidth = 0.007
export const rowHeightPx = 15

interface Placed {
  readonly label: string
  readonly row: number
  readonly from: number
}

/** In which row each label stands: the first that is free where it begins. */
function placeLabels(bands: readonly Band[], time: Scale): Placed[] {
  const ends: number[] = []
  return bands
    .toSorted((a, b) => a.fromSeconds - b.fromSeconds)
    .map(({ label, fromSeconds }) => {
      const from = time.place(fromSeconds)
      const free = ends.findIndex(end => end <= from)
      const row = free === -1 ? ends.length : free
      ends[row] = from + (label.length + 1) * characterWidth
      return { label, row, from }
    })
}

/** On a narrow page a label is cut off where the next of its row begins. */
export function renderEventLabels(bands: readonly Band[], time: Scale): { html: string; rows: number } {
  const placed = placeLabels(bands, time)
  const rows = placed.reduce((most, { row }) => Math.max(most, row + 1), 0)
  const labels = placed.map(({ label, row, from }, index) => {
    const next = placed.find((other, at) => at > index && other.row === row)?.from ?? 1
    const place = `left:${percent(from)};width:${percent(next - from)};top:${(row - rows) * rowHeightPx}px`
    return `<span class="event" style="${place}">${escapeHtml(label)}</span>`
  })
  return { html: labels.join(''), rows }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)}%`
}
