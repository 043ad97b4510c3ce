/** The machine around an agent: the one place in this room where time, chance, files and the network come from. */

import { readFile } from 'node:fs/promises'
import type { Clock, Random } from '../clock.ts'
import type { Fetch } from './bounded-fetch.ts'
import type { ReadText } from './control-groups.ts'

export interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly fetch: Fetch
  /** For the control API only: with a client certificate, or another CA; `fetch` where absent. */
  readonly controlFetch?: Fetch
  readonly readText: ReadText
}

export const machine: Surroundings = {
  clock: {
    now: () => performance.timeOrigin + performance.now(),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs)
      timer.unref()
      return () => clearTimeout(timer)
    },
  },
  random: Math.random,
  // Looked up at each call: a program may have replaced it after this was loaded.
  fetch: (input, init) => globalThis.fetch(input, init),
  readText: path => readFile(path, 'utf8').catch(() => undefined),
}
