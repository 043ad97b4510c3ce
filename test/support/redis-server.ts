/** A real redis-server (or valkey-server) on a free port of this machine, gone with the test that started it. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { RedisTarget } from '../../src/regions/redis-connection.ts'

export interface RedisServer {
  readonly port: number
  readonly target: RedisTarget
  /** Runs redis-cli against it and gives its output. */
  cli(...args: readonly string[]): string
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Lets it hang: its connections stay, it answers nothing. Until `resume`. */
  pause(): void
  resume(): void
  /** Starts it again on the same port, with nothing in it. */
  start(): Promise<void>
}

/** Who stops it at the end: a test. */
export interface Owner {
  teardown(stop: () => Promise<void>): void
}

/**
 * Resolves once it takes connections.
 *
 * @param settings as on the command line of redis-server: `['--maxmemory', '10mb']`; or made from the port
 * @param demandedPort where any free one will not do
 */
export async function startRedis(
  t: Owner,
  settings: readonly string[] | ((port: number) => readonly string[]) = [],
  demandedPort?: number,
): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-redis-'))
  const port = demandedPort ?? (await freePort())
  const command = redisCommand()
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--daemonize', 'no']
  args.push(...(typeof settings === 'function' ? settings(port) : settings))
  let server: ChildProcess | undefined

  const start = async (): Promise<void> => {
    server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    await untilSaid(server, /Ready to accept connections/)
  }
  const kill = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const gone = new Promise(resolve => server!.once('exit', resolve))
    server.kill('SIGKILL')
    await gone
  }
  t.teardown(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  await start()
  return {
    port,
    target: { at: { kind: 'single', node: { host: '127.0.0.1', port } }, database: 0, timeoutMs: 1_000 },
    cli: (...words) => redisCli('-p', `${port}`, ...words),
    kill,
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    start,
  }
}

/** `redis-server`, or `valkey-server` where that is what there is. */
export function redisCommand(): string {
  const command = ['redis-server', 'valkey-server'].find(isOnPath)
  if (command === undefined) throw new Error('neither redis-server nor valkey-server is on the PATH: install one')
  return command
}

/** What redis-cli prints. */
export function redisCli(...words: readonly string[]): string {
  return spawnSync(redisCommand().replace('server', 'cli'), words).stdout.toString().trim()
}

/** Resolves once a server that was started with its output piped has printed this; rejects when it ends before. */
export function untilSaid(server: ChildProcess, expected: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    server.stdout!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (expected.test(said)) resolve()
    })
    server.once('exit', code => reject(new Error(`redis-server ended with ${code}: ${said}`)))
  })
}

/** Of loopback; somebody else may take it meanwhile. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

function isOnPath(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, command)))
}
