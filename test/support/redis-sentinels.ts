/** A master, a replica and three real Sentinels on loopback, gone with the test that started them. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RedisTarget } from '../../src/regions/redis-connection.ts'
import { eventually } from './eventually.ts'
import {
  freePort,
  type Owner,
  type RedisServer,
  redisCli,
  redisCommand,
  startRedis,
  untilSaid,
} from './redis-server.ts'

export interface RedisSentinels {
  readonly target: RedisTarget
  readonly sentinelPorts: readonly number[]
  /** Their processes. */
  readonly sentinels: readonly ChildProcess[]
  readonly master: RedisServer
  readonly replica: RedisServer
  /** Starts what `startRedisSentinels` was told to leave for later. */
  startSentinels(): Promise<void>
}

/**
 * Resolves once the Sentinels know each other and the replica, and could fail over; they call the master `fleet`.
 *
 * @param later whether the Sentinels are started by `startSentinels` only
 */
export async function startRedisSentinels(
  t: Owner,
  { password, later = false }: { readonly password?: string; readonly later?: boolean } = {},
): Promise<RedisSentinels> {
  const master = await startRedis(t, ['--repl-diskless-sync-delay', '0'])
  const replica = await startRedis(t, ['--replicaof', '127.0.0.1', `${master.port}`])
  // Sentinels ask a master for its replicas at once, and then not again for ten seconds.
  await eventually(
    async () => master.cli('INFO', 'replication'),
    said => said.includes('state=online'),
  )
  const ports = [await freePort(), await freePort(), await freePort()]
  const secret = password === undefined ? [] : ['-a', password, '--no-auth-warning']
  const sentinels: ChildProcess[] = []
  const startSentinels = async (): Promise<void> => {
    for (const port of ports) sentinels.push(await startSentinel(t, port, master.port, password))
    await eventually(
      async () => ports.map(port => redisCli('-p', `${port}`, ...secret, 'SENTINEL', 'MASTER', 'fleet')),
      states => states.every(said => /num-slaves\n1\n/.test(said) && /num-other-sentinels\n2\n/.test(said)),
    )
  }
  if (!later) await startSentinels()
  const nodes = ports.map(port => ({ host: '127.0.0.1', port }))
  return {
    target: { at: { kind: 'sentinels', nodes, name: 'fleet', password }, database: 0, timeoutMs: 1_000 },
    sentinels,
    sentinelPorts: ports,
    master,
    replica,
    startSentinels,
  }
}

async function startSentinel(t: Owner, port: number, masterPort: number, password?: string): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-sentinel-'))
  const file = join(folder, 'sentinel.conf')
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor fleet 127.0.0.1 ${masterPort} 2`,
    'sentinel down-after-milliseconds fleet 500',
    'sentinel failover-timeout fleet 3000',
    ...(password === undefined ? [] : [`requirepass ${password}`]),
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const server = spawn(redisCommand(), [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(async () => {
    const gone = new Promise(resolve => server.once('exit', resolve))
    if (server.exitCode === null && server.kill('SIGKILL')) await gone
    rmSync(folder, { recursive: true, force: true })
  })
  await untilSaid(server, /\+monitor master/)
  return server
}
