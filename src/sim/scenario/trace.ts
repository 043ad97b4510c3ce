/** Arrivals as somebody recorded them, with the time that each needs by its tokens. */

import { parseDuration } from '../../config/duration.ts'
import type { Fault } from '../../schema.ts'
import type { Scenario } from './schema.ts'

export interface RecordedTrace {
  /** From the first arrival, in order. */
  readonly atMs: Float64Array
  readonly serviceMs: Float64Array
}

type TraceOptions = NonNullable<Scenario['load']['service']['trace']>

/**
 * CSV with a header: time (`2023-11-16 18:15:46.6805900`), prompt tokens, generated tokens.
 *
 * @param faults takes the first line that is not so
 */
export function readTrace(
  text: string,
  { fixedMs, perPromptTokenMs, perGeneratedTokenMs }: TraceOptions,
  faults: Fault[],
): RecordedTrace {
  const rows = text
    .split(/\r?\n/)
    .slice(1)
    .filter(line => line.trim() !== '')
    .map(line => {
      const [time = '', prompt, generated] = line.split(',')
      // Of the fraction of a second a date keeps the milliseconds.
      const at = Date.parse(
        `${time
          .trim()
          .replace(' ', 'T')
          .replace(/(\.\d{3})\d*$/, '$1')}Z`,
      )
      return { at, serviceMs: fixedMs + perPromptTokenMs * Number(prompt) + perGeneratedTokenMs * Number(generated) }
    })
  const broken = rows.findIndex(({ at, serviceMs }) => !(at > 0 && serviceMs >= 0))
  if (broken >= 0 || rows.length < 2) {
    const found = broken >= 0 ? `line ${broken + 2}` : 'fewer than two lines'
    const message = `expected lines of time,prompt tokens,generated tokens after a header, not ${found}`
    faults.push({ path: 'load.service.trace.file', message })
    return { atMs: new Float64Array(), serviceMs: new Float64Array() }
  }
  rows.sort((a, b) => a.at - b.at)
  const start = rows[0]!.at
  return {
    atMs: Float64Array.from(rows, ({ at }) => at - start),
    serviceMs: Float64Array.from(rows, ({ serviceMs }) => serviceMs),
  }
}

/** The same arrivals, so much denser that they come to `perSecond`, again and again until the end of the run. */
export function stretchTrace({ atMs, serviceMs }: RecordedTrace, perSecond: number, duration: string): RecordedTrace {
  const durationMs = parseDuration(duration)
  const length = (1000 * atMs.length) / perSecond
  const factor = length / spanOf(atMs)
  const at: number[] = []
  const service: number[] = []
  for (let start = 0; start < durationMs; start += length) {
    for (let row = 0; row < atMs.length && start + factor * atMs[row]! < durationMs; row++) {
      at.push(start + factor * atMs[row]!)
      service.push(serviceMs[row]!)
    }
  }
  return { atMs: Float64Array.from(at), serviceMs: Float64Array.from(service) }
}

/** Requests a second as recorded. */
export function rateOf({ atMs }: RecordedTrace): number {
  return (1000 * atMs.length) / spanOf(atMs)
}

/** With the mean gap after the last arrival, so that a repetition does not begin upon it. */
function spanOf(atMs: Float64Array): number {
  return Math.max(1, (atMs.at(-1)! * atMs.length) / (atMs.length - 1))
}
