/** Runs the `meridian` command as a user would: as a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../../src/cli/meridian.ts', import.meta.url))

export interface CommandResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCommand {
  readonly process: ChildProcess
  /** Everything that has come so far. */
  readonly output: { stdout: string; stderr: string }
  /** Resolves when what was written to one of the streams matches; rejects when the command ends before. */
  until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray>
  readonly result: Promise<CommandResult>
}

export interface CommandSettings {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export function startMeridianCommand(args: readonly string[], { env = {}, cwd }: CommandSettings = {}): RunningCommand {
  // Nothing of the tester's own settings, nor of the test runner's.
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [launcher, ...args], { cwd, env: { PATH, HOME, ...env } })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  const result = once(child, 'close').then(([exitCode, signal]) => ({ exitCode, signal, ...output }) as CommandResult)
  return { process: child, output, result, until: (stream, pattern) => untilMatch(child, output, stream, pattern) }
}

export function runMeridian(args: readonly string[], settings?: CommandSettings): Promise<CommandResult> {
  return startMeridianCommand(args, settings).result
}

function untilMatch(
  child: ChildProcess,
  output: Readonly<Record<'stdout' | 'stderr', string>>,
  stream: 'stdout' | 'stderr',
  pattern: RegExp,
): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const match = pattern.exec(output[stream])
      if (match !== null) resolve(match)
    }
    child[stream]!.on('data', look)
    child.once('close', () => reject(new Error(`ended without ${pattern}:\n${output.stdout}\n${output.stderr}`)))
    look()
  })
}
