/** Runs one command line from start to exit code. */

import { packageDirectory } from '../paths.ts'
import { describeFailure } from './failure.ts'
import { createProgram } from './program.ts'
import { staleBuildWarning } from './stale-build.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/** Reads `process.argv`; resolves when the command is done, with `process.exitCode` set. Never rejects. */
export async function main(): Promise<void> {
  const terminal = createTerminal(process)
  if (isBuilt) warnOfStaleBuild(terminal)
  const program = createProgram(terminal)
  try {
    if (process.argv.length < 3) program.outputHelp()
    else await program.parseAsync(process.argv)
  } catch (error) {
    const debug = program.opts<{ debug?: boolean }>().debug === true || isSet(terminal.environment['MERIDIAN_DEBUG'])
    const { lines, exitCode } = describeFailure(error, debug)
    terminal.complain(...lines)
    process.exitCode = exitCode
  }
}

/** Not the sources themselves. */
const isBuilt = import.meta.url.endsWith('.js')

function warnOfStaleBuild({ complain }: Terminal): void {
  const warning = staleBuildWarning(packageDirectory)
  if (warning !== undefined) complain(`meridian: ${warning}`)
}

function isSet(variable: string | undefined): boolean {
  return variable !== undefined && variable !== '' && variable !== '0'
}
