/**
 * A chart of lines over time. Lines are SVG that stretches with the page; everything that is read is HTML beside it, so
 * that it stays readable on a narrow one. `page-script.ts` adds a cursor with the values under it.
 */

import { type Band, renderEventLabels, rowHeightPx } from './event-labels.ts'
import { clockTime, escapeHtml } from './html.ts'
import { renderFoldedNumbers } from './numbers-table.ts'
import { type Scale, timeScale } from './scale.ts'

export interface Line {
  readonly name: string
  /** A colour of the style sheet: `r3` for `--r3`. */
  readonly colour: string
  /** Where the values are in the page's results: `0/series/p50Ms`. */
  readonly path: string
  /** By sampling interval; gaps where there is none. */
  readonly values: readonly (number | null)[]
  readonly dashed?: boolean
}

export interface TimeChart {
  readonly title: string
  /** What the values are, and what is good. */
  readonly note?: string
  readonly seconds: readonly number[]
  readonly endSeconds: number
  readonly lines: readonly Line[]
  readonly bands: readonly Band[]
  readonly scale: Scale
  readonly format: (value: number) => string
  /** Word for the page script: how the cursor writes values. */
  readonly unit: 'ms' | 'percent' | 'number'
  /** A value that is marked across the chart. */
  readonly limit?: number
  readonly heightPx?: number
  /** Values are means of so many intervals each, as `averageOver` makes them. */
  readonly window?: number
  /** Small charts have neither legend nor table: a larger one nearby has them. */
  readonly small?: boolean
}

const width = 1000
/** Points of a line that a picture can show. */
const mostPoints = 700
const tableRows = 30
/** Steps of a line of means. */
const meanSteps = 60

/** How many intervals a mean has to be of, to be readable as a line. */
export function windowFor(intervals: number): number {
  return Math.max(1, Math.ceil(intervals / meanSteps))
}

/** How long a window is: `10 s`. */
export function spanWords(seconds: readonly number[], window: number): string {
  return clockTime(window * ((seconds[1] ?? 1) - (seconds[0] ?? 0)))
}

/** Each value becomes the mean of its window: rare events become a rate. */
export function averageOver(values: readonly number[], window: number): number[] {
  return values.map((_, index) => {
    const start = index - (index % window)
    const around = values.slice(start, start + window).filter(Number.isFinite)
    return around.reduce((sum, value) => sum + value, 0) / around.length
  })
}

export function renderTimeChart(chart: TimeChart): string {
  const { title, note, small = false, heightPx = small ? 130 : 240, endSeconds, seconds } = chart
  const time = timeScale(Math.min(0, seconds[0] ?? 0), endSeconds, small ? 3 : 6)
  const place = (value: number): string => (heightPx * (1 - chart.scale.place(value))).toFixed(1)
  const grid = chart.scale.ticks.map(tick => `<path class="grid" d="M0 ${place(tick)}H${width}"/>`)
  const limit = chart.limit === undefined ? [] : [`<path class="limit" d="M0 ${place(chart.limit)}H${width}"/>`]
  const edges = chart.bands.map(({ fromSeconds, toSeconds }) => {
    return [time.place(fromSeconds) * width, time.place(toSeconds) * width] as const
  })
  const bands = edges.map(([from, to]) => {
    return `<rect class="band" x="${from.toFixed(1)}" width="${Math.max(2, to - from).toFixed(1)}" height="${heightPx}"/>`
  })
  // Above all shades, so that what happens during something else is seen, too.
  const ends = [...new Set(edges.flat().map(at => at.toFixed(1)))].map(at => {
    return `<path class="edge" d="M${at} 0V${heightPx}"/>`
  })
  const lines = chart.lines.map(line => {
    const d = pathOf(line.values, seconds, time, place, chart.window)
    const dashed = line.dashed ? ' dashed' : ''
    return `<path class="line${dashed}" style="stroke:var(--${line.colour})" data-of="${escapeHtml(line.path)}" data-name="${escapeHtml(line.name)}" d="${d}"/>`
  })
  const events = renderEventLabels(small ? [] : chart.bands, time)
  const size = `height:${heightPx}px;margin-top:${4 + events.rows * rowHeightPx}px`
  const name = escapeHtml(title)
  return `<figure class="chart${small ? ' small' : ''}"><figcaption><b>${name}</b>${note === undefined ? '' : ` <span>${escapeHtml(note)}</span>`}</figcaption>
${small ? '' : renderLegend(chart.lines)}
<div class="plot" style="${size}" data-unit="${chart.unit}" data-end="${time.end}" data-window="${chart.window ?? 1}" aria-label="${name}">
<svg viewBox="0 0 ${width} ${heightPx}" preserveAspectRatio="none" role="img" aria-label="${name}">${[...bands, ...ends, ...grid, ...limit, ...lines].join('')}</svg>
${renderLabels(chart, time, events.html)}</div>
${small ? '' : renderFoldedNumbers(tableOf(chart))}</figure>`
}

function renderLabels({ scale, format }: TimeChart, time: Scale, events: string): string {
  const down = scale.ticks.map(tick => {
    return `<span class="down" style="top:${(100 * (1 - scale.place(tick))).toFixed(1)}%">${escapeHtml(format(tick))}</span>`
  })
  const along = time.ticks.map(tick => {
    return `<span class="along" style="left:${(100 * time.place(tick)).toFixed(2)}%">${clockTime(tick)}</span>`
  })
  return `<div class="labels" aria-hidden="true">${[...down, ...along].join('')}${events}</div>`
}

function renderLegend(lines: readonly Line[]): string {
  const keys = lines.map(({ name, colour, dashed }) => {
    return `<li${dashed ? ' class="dashed"' : ''} data-name="${escapeHtml(name)}" style="--c:var(--${colour})">${escapeHtml(name)}</li>`
  })
  return `<ul class="legend">${keys.join('')}</ul>`
}

/** Highest and lowest value of every stretch that a picture can show as one: peaks stay. */
function pathOf(
  values: Line['values'],
  seconds: readonly number[],
  time: Scale,
  place: (value: number) => string,
  window = 1,
): string {
  const stretch = Math.max(window, Math.ceil((2 * seconds.length) / mostPoints))
  let path = ''
  let isDown = false
  const draw = (index: number): void => {
    const value = values[index]
    const isThere = value !== null && value !== undefined && Number.isFinite(value)
    if (isThere) path += `${isDown ? 'L' : 'M'}${(time.place(seconds[index]!) * width).toFixed(1)} ${place(value)}`
    isDown = isThere
  }
  for (let start = 0; start < seconds.length; start += stretch) {
    if (stretch === window) {
      // All values of a window are its mean.
      draw(Math.min(start + (window >> 1), seconds.length - 1))
      continue
    }
    let [low, high] = [start, start]
    for (let index = start; index < Math.min(start + stretch, seconds.length); index++) {
      if ((values[index] ?? Infinity) < (values[low] ?? Infinity)) low = index
      if ((values[index] ?? -Infinity) > (values[high] ?? -Infinity)) high = index
    }
    draw(Math.min(low, high))
    if (low !== high) draw(Math.max(low, high))
  }
  return path
}

function tableOf({ seconds, lines, format }: TimeChart): { headers: string[]; rows: string[][] } {
  const step = Math.max(1, Math.ceil(seconds.length / tableRows))
  const picked = seconds.map((_, index) => index).filter(index => index % step === 0)
  return {
    headers: ['time', ...lines.map(({ name }) => name)],
    rows: picked.map(index => [
      clockTime(seconds[index]!),
      ...lines.map(({ values }) => {
        const value = values[index]
        return value === null || value === undefined ? '–' : format(value)
      }),
    ]),
  }
}
