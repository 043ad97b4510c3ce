/** Text in columns. Knows widths, alignment and colours; not what the columns mean. */

import { type Paint, printable, type Style } from './terminal.ts'

export interface Cell {
  readonly text: string
  readonly style?: Style | undefined
}

/** A line that stands above the rows after it, outside the columns. */
export interface Heading {
  readonly heading: string
}

/** Fewer cells than columns will do. */
export type Row = readonly (Cell | string)[] | Heading

export interface Column {
  readonly header: string
  readonly align: 'left' | 'right'
}

/** A left-aligned column for each of the headers. */
export function leftAligned(...headers: readonly string[]): Column[] {
  return headers.map(header => ({ header, align: 'left' }))
}

const gap = '  '
/** Space that wrapped text gets even where there is none. */
const narrowest = 24

/**
 * Lines with every column as wide as what is in it; the last one is wrapped where a line would be wider than `width`.
 *
 * Text from elsewhere comes out printable and never breaks a line.
 */
export function renderTable(columns: readonly Column[], rows: readonly Row[], width: number, paint: Paint): string[] {
  const header = columns.map(column => ({ text: column.header, style: 'dim' as const }))
  const lines = [header, ...rows].map(row => ('heading' in row ? row : row.map(toCell)))
  const last = columns.length - 1
  const widths = columns.map(({ align }, index) => {
    // A wrapped column is as wide as there is room; filling it up would only leave spaces at the end of lines.
    if (index === last && align === 'left') return 0
    return Math.max(...lines.map(line => ('heading' in line ? 0 : widthOf(line[index]?.text ?? ''))))
  })
  const indent = widths.slice(0, last).reduce((sum, columnWidth) => sum + columnWidth + gap.length, 0)
  const room = Math.max(narrowest, width - indent)

  return lines.flatMap(line => {
    if ('heading' in line) return ['', paint('bold', line.heading)]
    const [end = '', ...continued] = wrap(line[last]?.text ?? '', room)
    const cells = line.map(({ text, style }, index) => {
      const filled = pad(index === last ? end : text, widths[index]!, columns[index]!.align)
      return style === undefined ? filled : paint(style, filled)
    })
    const style = line[last]?.style
    return [
      cells.join(gap).trimEnd(),
      ...continued.map(text => ' '.repeat(indent) + (style ? paint(style, text) : text)),
    ]
  })
}

/** `name  value` lines, the values in one column. */
export function renderFacts(facts: readonly (readonly [name: string, value: Cell | string])[], paint: Paint): string[] {
  const nameWidth = Math.max(...facts.map(([name]) => widthOf(name)))
  return facts.map(([name, value]) => {
    const { text, style } = toCell(value)
    return `${paint('dim', pad(name, nameWidth, 'left'))}${gap}${style === undefined ? text : paint(style, text)}`
  })
}

/** Lines of at most `width`, broken between words; a longer word is cut. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (widthOf(longer) <= width) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    const characters = [...word]
    while (characters.length > width) lines.push(characters.splice(0, width).join(''))
    line = characters.join('')
  }
  return [...lines, line]
}

function toCell(cell: Cell | string): Cell {
  const { text, style } = typeof cell === 'string' ? { text: cell } : cell
  return { text: printable(text.normalize()), style }
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + space : space + text
}

/** In characters; East Asian ones, which are wider, count as one as well. */
function widthOf(text: string): number {
  return [...text].length
}
