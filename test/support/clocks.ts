/** Clocks for tests: the machine's own, and one that only moves when told to. */

import type { Clock } from '../../src/clock.ts'

/** Real time; unlike the router's own clock it keeps the test's process alive until what it waits for has come. */
export const realClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

export interface FakeClock extends Clock {
  /** Moves time on and runs what falls due, in order; what that schedules in turn runs, too, if it falls due. */
  advance(ms: number): void
  /** Callbacks still waiting. */
  readonly pending: number
}

export function createFakeClock(startMs = 0): FakeClock {
  let now = startMs
  const waiting = new Set<{ readonly at: number; readonly callback: () => void }>()
  return {
    now: () => now,
    after(delayMs, callback) {
      const entry = { at: now + Math.max(0, delayMs), callback }
      waiting.add(entry)
      return () => waiting.delete(entry)
    },
    advance(ms) {
      const end = now + ms
      for (;;) {
        const due = [...waiting].filter(entry => entry.at <= end).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        waiting.delete(due)
        now = due.at
        due.callback()
      }
      now = end
    },
    get pending() {
      return waiting.size
    },
  }
}
