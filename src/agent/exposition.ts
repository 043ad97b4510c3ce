/**
 * Reads Prometheus' text exposition format, version 0.0.4: what a service answers at `/metrics`.
 *
 * Strict, since a number that was read wrongly steers clients wrongly: the first line that is not of the format refuses
 * the whole text. Bounded, since the text is somebody else's: only series that were asked for are kept.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

import { type Checked, shown } from '../schema.ts'

export interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  /** May be NaN or infinite. */
  readonly value: number
}

/** One service hardly has a hundred series of the few names that are read. */
const keptLimit = 10_000

const name = /[ \t]*([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*/y
const label = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\[\\"n])*)"[ \t]*/y
const closing = /[ \t]*\}[ \t]*/y
const valueAndTime =
  /[ \t]*([+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[Ii]nf(?:inity)?|[Nn]a[Nn]))(?:[ \t]+-?\d+)?[ \t]*$/y
const comment = /^[ \t]*(?:#|$)/
const typeLine =
  /^[ \t]*#[ \t]+TYPE(?:[ \t]+[a-zA-Z_:][a-zA-Z0-9_:]*[ \t]+(?:counter|gauge|histogram|summary|untyped)[ \t]*$|([ \t].*|$))/

/**
 * The samples whose name is wanted, in the order of the text. A series that is there twice is there twice.
 *
 * @returns the first fault, by line, for a text that is not of the format or not whole
 */
export function parseExposition(text: string, isWanted: (name: string) => boolean): Checked<readonly Sample[]> {
  const samples: Sample[] = []
  // The format wants a line feed at the end of every line: a text without one was cut off.
  if (text !== '' && !text.endsWith('\n')) return faulty(text.split('\n').length, 'the text ends in the middle of it')
  let start = 0
  for (let number = 1; start < text.length; number++) {
    const end = text.indexOf('\n', start)
    const line = text.slice(start, text[end - 1] === '\r' ? end - 1 : end)
    start = end + 1
    if (comment.test(line)) {
      if (typeLine.exec(line)?.[1] !== undefined) return faulty(number, `expected a metric and its type, ${not(line)}`)
      continue
    }
    const sample = parseSample(line)
    if (typeof sample === 'string') return faulty(number, sample)
    if (!isWanted(sample.name)) continue
    if (samples.length === keptLimit)
      return faulty(number, `expected at most ${keptLimit} series of the mapped metrics`)
    samples.push(sample)
  }
  return { ok: true, value: samples }
}

/** A sample, or what is wrong with the line. */
function parseSample(line: string): Sample | string {
  const metric = matchAt(name, line, 0)?.[1]
  if (metric === undefined) return `expected the name of a metric, ${not(line)}`
  let position = name.lastIndex
  const labels = new Map<string, string>()
  if (line[position] === '{') {
    position++
    for (;;) {
      const pair = matchAt(label, line, position)
      if (pair === null) break
      if (labels.has(pair[1]!)) return `the label ${pair[1]} is there twice`
      labels.set(pair[1]!, unescaped(pair[2]!))
      position = label.lastIndex
      if (line[position] !== ',') break
      position++
    }
    if (matchAt(closing, line, position) === null) return `expected a label or }, ${not(line.slice(position))}`
    position = closing.lastIndex
  } else if (line[position - 1] !== ' ' && line[position - 1] !== '\t') {
    return `expected a space or { after ${metric}, ${not(line.slice(position))}`
  }
  const value = matchAt(valueAndTime, line, position)?.[1]
  if (value === undefined) return `expected a number and perhaps a timestamp, ${not(line.slice(position))}`
  return { name: metric, labels, value: toNumber(value) }
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position
  return pattern.exec(text)
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(.)/g, (_escape, escaped: string) => (escaped === 'n' ? '\n' : escaped))
}

function toNumber(text: string): number {
  if (!/inf/i.test(text)) return Number(text)
  return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

function not(found: string): string {
  return found.trim() === '' ? 'but the line ends' : `not ${shown(found.trim())}`
}

function faulty(line: number, message: string): Checked<never> {
  return { ok: false, faults: [{ path: `line ${line}`, message }] }
}
