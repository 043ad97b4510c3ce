/** A real Cluster on loopback: three masters with a replica each, gone with the test that started it. */

import { createServer } from 'node:net'
import type { RedisTarget } from '../../src/regions/redis-connection.ts'
import { eventually } from './eventually.ts'
import { type Owner, type RedisServer, redisCli, startRedis } from './redis-server.ts'

export interface RedisCluster {
  readonly target: RedisTarget
  readonly nodes: readonly RedisServer[]
  /** The master of the slot of this key. */
  masterOf(key: string): RedisServer
  masters(): readonly RedisServer[]
  idOf(node: RedisServer): string
}

/** Resolves once all slots are served and every replica follows its master. */
export async function startRedisCluster(t: Owner): Promise<RedisCluster> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '500', '--repl-diskless-sync-delay', '0']
  const nodes: RedisServer[] = []
  for (let count = 0; count < 6; count++) nodes.push(await startRedis(t, settings, await freeClusterPort()))
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const said = redisCli('--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes')
  if (!said.includes('All 16384 slots covered')) throw new Error(`no Cluster came of it: ${said}`)
  const isMaster = (node: RedisServer): boolean => node.cli('ROLE').startsWith('master')
  const isWhole = (): boolean =>
    nodes.every(node => node.cli('CLUSTER', 'INFO').includes('cluster_state:ok')) &&
    nodes.filter(node => /master_link_status:up/.test(node.cli('INFO', 'replication'))).length === 3
  await eventually(async () => isWhole(), Boolean)
  return {
    nodes,
    target: {
      at: { kind: 'cluster', nodes: nodes.map(({ port }) => ({ host: '127.0.0.1', port })) },
      database: 0,
      timeoutMs: 1_000,
    },
    masters: () => nodes.filter(isMaster),
    masterOf: key => nodes.find(node => isMaster(node) && /^\d+$/.test(node.cli('EXISTS', key)))!,
    idOf: node => node.cli('CLUSTER', 'MYID'),
  }
}

/** The nodes of a Cluster speak to each other on a port 10,000 above. */
async function freeClusterPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer().once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
