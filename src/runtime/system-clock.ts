/** The machine's clock: the one place below the command line where time comes from. */

import type { Clock } from '../clock.ts'

export const systemClock: Clock = {
  /** Milliseconds since 1970 that never go backwards: the wall clock at start plus a monotonic one. */
  now: () => performance.timeOrigin + performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** Calls back again and again, each time `everyMs` after the last call has returned or its promise has settled. */
export function repeat(clock: Clock, everyMs: number, action: () => unknown): () => void {
  let stopped = false
  let cancel = (): void => {}
  const next = (): void => {
    if (stopped) return
    cancel = clock.after(everyMs, () => {
      void Promise.resolve(action()).finally(next)
    })
  }
  next()
  return () => {
    stopped = true
    cancel()
  }
}
