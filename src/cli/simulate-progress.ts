/** How far the runs of `meridian simulate` are, on one line that is written again and again. */

import type { Clock } from '../clock.ts'
import type { Terminal } from './terminal.ts'

export interface Progress {
  /** Of all runs together, 0 to 1. */
  readonly done: number
  /** What is under way: `meridian, seed 1 (2 of 7)`. */
  readonly label: string
  readonly elapsedMs: number
  /** Of the run that is under way. */
  readonly requestsPerSecond: number
}

const barWidth = 24
const redrawEveryMs = 100

/** `███████░░░  43 %  meridian, seed 1 (2 of 7)  280 k requests/s  12 s left` */
export function progressLine({ done, label, elapsedMs, requestsPerSecond }: Progress): string {
  const filled = Math.floor(done * barWidth)
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
  const left = done > 0 ? [`${timeLeft((elapsedMs * (1 - done)) / done)} left`] : []
  const rate = `${(requestsPerSecond / 1000).toFixed(requestsPerSecond < 10_000 ? 1 : 0)} k requests/s`
  return [`${bar} ${String(Math.floor(100 * done)).padStart(3)} %`, label, rate, ...left].join('  ')
}

function timeLeft(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000)
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}

export interface ProgressBar {
  /** A run begins. */
  begin(label: string): void
  /** @param share of the run that is under way, 0 to 1; @param requests that it has sent so far */
  advance(share: number, requests: number): void
  /** Takes the line away. */
  end(): void
}

/** @param runs how many there will be, taken to be equally long */
export function createProgressBar(
  { status }: Pick<Terminal, 'status'>,
  clock: Pick<Clock, 'now'>,
  runs: number,
): ProgressBar {
  const startedAt = clock.now()
  let [run, label, begunAt, drawnAt] = [0, '', startedAt, Number.NEGATIVE_INFINITY]
  return {
    begin(name) {
      run++
      begunAt = clock.now()
      label = runs === 1 ? name : `${name} (${run} of ${runs})`
    },
    advance(share, requests) {
      const now = clock.now()
      if (now - drawnAt < redrawEveryMs) return
      drawnAt = now
      const requestsPerSecond = (1000 * requests) / Math.max(1, now - begunAt)
      status(progressLine({ done: (run - 1 + share) / runs, label, elapsedMs: now - startedAt, requestsPerSecond }))
    },
    end() {
      status('')
    },
  }
}
