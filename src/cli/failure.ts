/** What a command that failed says, and the exit code that it leaves (sysexits.h). */

import { inspect } from 'node:util'
import { CommanderError } from 'commander'
import { errorCatalogue, MeridianError } from '../errors.ts'
import { printable } from './terminal.ts'

/** `EX_USAGE`: the command line itself was wrong. */
export const usageExitCode = 64

export interface Failure {
  /** For standard error. */
  readonly lines: readonly string[]
  readonly exitCode: number
}

/**
 * One line where one thing went wrong; a heading and a line for each where there are several.
 *
 * @param debug with stack and causes
 */
export function describeFailure(error: unknown, debug: boolean): Failure {
  const stack = debug ? inspect(error).split('\n') : []
  // The command line parser has spoken already; help that was asked for is no failure.
  if (error instanceof CommanderError) {
    return { lines: stack, exitCode: error.exitCode === 0 ? 0 : usageExitCode }
  }
  if (error instanceof MeridianError) {
    return { lines: [...faultLines(error), ...stack], exitCode: errorCatalogue[error.code].exit }
  }
  const message = printable(error instanceof Error ? error.message : String(error))
  const hint = debug ? [] : ['This is a fault of Meridian itself; --debug shows where it happened.']
  return { lines: [`meridian: ${message}`, ...hint, ...stack], exitCode: errorCatalogue.INTERNAL.exit }
}

function faultLines({ code, message, faults }: MeridianError): string[] {
  if (faults.length < 2) return [`meridian: ${printable(message)}`]
  // A message with several faults is a heading, the faults in one line, and perhaps a mend for all of them.
  const [heading = '', mend = ''] = message.split(faults.join('; '))
  const title = heading.replace(/: $/, '') || errorCatalogue[code].title
  return [
    `meridian: ${printable(title)}:`,
    ...faults.map(fault => `  ${printable(fault)}`),
    ...(mend === '' ? [] : [`  ${printable(mend.trim())}`]),
  ]
}
