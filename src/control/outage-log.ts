/**
 * Calls that are refused because the store is away: every agent of a fleet makes some each second, and all of them for the
 * one reason. The first is a line of the log, all others are a count every now and then.
 */

import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from '../clock.ts'
import type { ErrorCode, MeridianError } from '../errors.ts'

const countEveryMs = 10_000
const codes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['STORE_UNAVAILABLE', 'STORE_UNSUITABLE'])

/** Whether an error is the store's, and not the call's. */
export function isOfStore(code: string | undefined): boolean {
  return codes.has(code as ErrorCode)
}

export interface OutageLog {
  /** A call was answered with this error of the store. */
  note(error: MeridianError): void
  close(): void
}

export function createOutageLog(log: FastifyBaseLogger, clock: Clock): OutageLog {
  let last: MeridianError | undefined
  let calls = 0
  let cancel = (): void => {}
  const startCounting = (): void => {
    calls = 0
    cancel = clock.after(countEveryMs, () => {
      // A time without any ends the outage: the next one begins with a line of its own.
      if (last === undefined || calls === 0) {
        last = undefined
        return
      }
      const seconds = countEveryMs / 1_000
      log.warn({ code: last.code, calls, seconds }, `${calls} more calls were refused in ${seconds} s: ${last.message}`)
      startCounting()
    })
  }
  return {
    note(error) {
      if (last === undefined) {
        log.warn({ code: error.code }, `calls are refused: ${error.message}`)
        startCounting()
      } else calls++
      last = error
    },
    close: () => cancel(),
  }
}
