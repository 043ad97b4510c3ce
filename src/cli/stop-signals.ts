/** Ctrl-C and `kill`, as a long-running command takes them: the first asks to finish, a second one not to wait. */

import { constants } from 'node:os'

/** npm passes on a Ctrl-C that the terminal has sent to everybody already: that soon, it is the same key press. */
const sameKeyPressMs = 1_000

/**
 * From this call on the first SIGINT or SIGTERM resolves the promise instead of ending the process; a second one ends it at
 * once.
 *
 * @param beforeEnd for a last word before a second signal ends the process
 */
export function takeStopSignal(beforeEnd?: (signal: NodeJS.Signals) => void): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    let firstAt: number | undefined
    const take = (signal: NodeJS.Signals): void => {
      const now = performance.now()
      firstAt ??= now
      if (now - firstAt > sameKeyPressMs) {
        beforeEnd?.(signal)
        process.exit(128 + constants.signals[signal])
      }
      resolve(signal)
    }
    process.on('SIGINT', take).on('SIGTERM', take)
  })
}

/**
 * Ends the process that was told to stop, with 0.
 *
 * A process that just runs out of work gives its signal handlers back first: a second signal of the same key press would
 * then kill it in its last moment, and its exit code would tell of a failure.
 */
export function leaveStopped(): never {
  process.exit(0)
}
