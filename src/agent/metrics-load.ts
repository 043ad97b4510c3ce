/**
 * Turns what a service's metrics say into fields of a load report: gauges as they are, counters as rates, histograms and
 * summaries as means.
 *
 * What counters say is taken over a window of half a minute: a service whose requests stay for many seconds finishes none
 * between most heartbeats.
 */

import type { Sample } from './exposition.ts'
import {
  type LabelSelector,
  type Load,
  type LoadField,
  loadFields,
  type MetricSource,
  type MetricsMapping,
} from './metrics-mapping.ts'

const windowMs = 30_000

/** What was read at one moment. */
interface Scrape {
  /** Milliseconds. */
  readonly at: number
  readonly samples: ReadonlyMap<string, readonly Sample[]>
}

export interface MetricsLoad {
  /** Whether a metric of this name is read at all. */
  isWanted(name: string): boolean
  /** @param at when the samples were read, ms on any clock that does not go back */
  update(samples: readonly Sample[], at: number): Load
}

/** Remembers earlier readings: one for each service that is read. */
export function createMetricsLoad(mapping: MetricsMapping): MetricsLoad {
  const wanted = new Set(Object.values(mapping).flatMap(namesOf))
  let window: readonly Scrape[] = []
  return {
    isWanted: name => wanted.has(name),
    update(samples, at) {
      const scrape = { at, samples: Map.groupBy(samples, ({ name }) => name) }
      const recent = window.filter(earlier => at - earlier.at <= windowMs)
      // After a long silence the last reading is still better than none.
      const before = recent[0] ?? window.at(-1)
      window = [...recent, scrape]
      return tidyLoad(
        Object.fromEntries(
          Object.entries(mapping).map(([field, source]) => [field, readSource(source, scrape, before)] as const),
        ),
      )
    },
  }
}

const fractions: ReadonlySet<LoadField> = new Set(['cpu', 'memory', 'kvCache', 'errorRate'])
const limits: ReadonlySet<LoadField> = new Set(['capacityRequests', 'queueLimit'])

/**
 * Only what a report may hold: a metric that makes no sense leaves its field out, and never costs a whole heartbeat.
 * Six digits are more than any of it is worth.
 */
export function tidyLoad(load: { readonly [F in LoadField]?: number | undefined }): Load {
  const entries = loadFields.flatMap(field => {
    const value = load[field]
    if (value === undefined || !Number.isFinite(value)) return []
    const bounded = Math.min(Math.max(value, 0), fractions.has(field) ? 1 : 1e9)
    return limits.has(field) && bounded === 0 ? [] : [[field, Number(bounded.toPrecision(6))] as const]
  })
  return Object.fromEntries(entries)
}

function namesOf(source: MetricSource): string[] {
  if ('gauge' in source) return [source.gauge].flat()
  if ('rate' in source) return [source.rate].flat()
  if ('mean' in source) return [source.mean].flat().flatMap(name => [`${name}_sum`, `${name}_count`])
  if ('share' in source) return [source.share, source.of ?? []].flat(2)
  return []
}

/** The kind of source that has this key. */
type Source<K extends string> = Extract<MetricSource, Readonly<Record<K, unknown>>>

/** Undefined where the service has no such metric, or nothing has happened that could be counted. */
function readSource(source: MetricSource, now: Scrape, before: Scrape | undefined): number | undefined {
  if ('value' in source) return source.value
  if ('gauge' in source) return readGauge(source, now)
  if ('rate' in source) return scaled(readRate(source, now, before), source.scale)
  if ('mean' in source) return scaled(readMean(source, now, before), source.scale)
  return readShare(source, now, before)
}

function readGauge(source: Source<'gauge'>, now: Scrape): number | undefined {
  const values = select(now, firstKnown(now, source.gauge), source.labels).map(({ value }) => value)
  if (values.length === 0) return undefined
  const sum = total(values)
  const combined = { sum, mean: sum / values.length, max: Math.max(...values) }[source.combine ?? 'sum']
  return scaled(combined, source.scale)
}

function readRate({ rate, labels }: Source<'rate'>, now: Scrape, before: Scrape | undefined) {
  const name = firstKnown(now, rate)
  if (name === undefined || before === undefined || now.at <= before.at) return undefined
  return (increase(now, before, name, labels) * 1000) / (now.at - before.at)
}

/** Of what has ended since; where nothing has, of everything since the service began, which beats a guess. */
function readMean({ mean, labels }: Source<'mean'>, now: Scrape, before: Scrape | undefined) {
  const name = [mean].flat().find(candidate => now.samples.has(`${candidate}_count`))
  if (name === undefined) return undefined
  const since = (scrape: Scrape | undefined, part: string) => increase(now, scrape, `${name}_${part}`, labels)
  const count = since(before, 'count')
  return count > 0 ? since(before, 'sum') / count : since(undefined, 'sum') / since(undefined, 'count')
}

function readShare(source: Source<'share'>, now: Scrape, before: Scrape | undefined) {
  const part = firstKnown(now, source.share)
  const whole = firstKnown(now, source.of ?? source.share)
  if (whole === undefined || before === undefined) return undefined
  const all = increase(now, before, whole, undefined)
  // A counter of errors may appear with the first error only.
  return all > 0 ? increase(now, before, part, source.labels) / all : undefined
}

function scaled(value: number | undefined, scale = 1): number | undefined {
  return value === undefined ? undefined : value * scale
}

function firstKnown({ samples }: Scrape, names: string | readonly string[]): string | undefined {
  return [names].flat().find(name => samples.has(name))
}

type Labels = LabelSelector | readonly LabelSelector[] | undefined

function select({ samples }: Scrape, name: string | undefined, labels: Labels): readonly Sample[] {
  const all = name === undefined ? [] : (samples.get(name) ?? [])
  if (labels === undefined) return all
  const selectors = [labels].flat() as readonly LabelSelector[]
  return all.filter(sample =>
    selectors.some(selector =>
      Object.entries(selector).every(([label, glob]) => matches(sample.labels.get(label) ?? '', glob)),
    ),
  )
}

/** How much counters have grown, series by series. One that is smaller than before began again from 0, as did a new one. */
function increase(now: Scrape, before: Scrape | undefined, name: string | undefined, labels: Labels): number {
  const earlier = new Map(
    before === undefined ? [] : select(before, name, labels).map(sample => [seriesKey(sample), sample.value]),
  )
  return total(
    select(now, name, labels).map(sample => {
      const then = earlier.get(seriesKey(sample)) ?? 0
      return sample.value >= then ? sample.value - then : sample.value
    }),
  )
}

function seriesKey({ labels }: Sample): string {
  return JSON.stringify([...labels].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

/** A `*` stands for any text, the empty one included. */
function matches(text: string, glob: string): boolean {
  const [first = '', ...rest] = glob.split('*')
  if (rest.length === 0) return text === glob
  const last = rest.pop()!
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  let position = first.length
  for (const part of rest) {
    const found = text.indexOf(part, position)
    if (found < 0) return false
    position = found + part.length
  }
  return position <= text.length - last.length
}
