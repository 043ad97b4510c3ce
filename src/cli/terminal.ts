/**
 * Where a command writes: results to standard output, everything else to standard error, colours only where a person sees
 * them.
 */

import { stripVTControlCharacters, styleText } from 'node:util'
import type { Environment } from '../config/environment.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Puts a style on a text, or leaves it as it is where there are no colours. */
export type Paint = (style: Style, text: string) => string

export const plain: Paint = (_style, text) => text

export interface Terminal {
  readonly environment: Environment
  /** For what goes to `print`. */
  readonly paint: Paint
  /** Lines for standard output: what was asked for. */
  print(...lines: readonly string[]): void
  /** Lines for standard error: what went wrong, and what a script should not read. */
  complain(...lines: readonly string[]): void
  /** One line on standard error that the next one replaces, an empty one removes; only where a person sees it. */
  status(line: string): void
  /** Sets the exit code of a command that did its work and found something a script should know. */
  leave(exitCode: number): void
}

export function createTerminal(process: NodeJS.Process): Terminal {
  const { stdout, stderr, env } = process
  // Whoever reads only the first lines (`| head`) is done, and so are we.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  // With nobody left to complain to, a router serves on.
  stderr.on('error', () => {})
  return {
    environment: env,
    paint: hasColours(stdout.isTTY, env) ? (style, text) => styleText(style, text, { validateStream: false }) : plain,
    print: (...lines) => write(stdout, lines),
    complain: (...lines) => write(stderr, lines),
    status: line => {
      if (stderr.isTTY) stderr.write(`\r\u001b[K${[...line].slice(0, (stderr.columns || 80) - 1).join('')}`)
    },
    leave: exitCode => {
      process.exitCode = exitCode
    },
  }
}

/** Only on a terminal that knows them, and not where the user said no (no-color.org). */
export function hasColours(isTerminal: boolean, environment: Environment): boolean {
  return isTerminal && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb'
}

/** Text from elsewhere on one line, without anything that moves a cursor or changes a colour. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\u2028\u2029]/gu, '\u{fffd}')
}

function write(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  stream.write(lines.map(line => `${line}\n`).join(''))
}
