/** How many of the hostile calls of the tests a whole router refuses, each as it should. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type HostileCall,
  hostileCalls,
  neighbourCalls,
  redisCalls,
  scopedToken,
  victim,
  wideToken,
} from '../test/control/hostile-calls.ts'
import { exampleRegion } from '../test/support/example-region.ts'
import { startRedis } from '../test/support/redis-server.ts'
import { startMeridianCommand } from '../test/support/run-meridian.ts'
import type { Figures } from './figures.ts'

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

const settings = `
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: ["*.example.com", 10.20.0.0/16]
  tokens:
    - { name: edge, sha256: ${hashOf(scopedToken)}, rights: [report], regions: ["edge-*"] }
    - { name: wide, sha256: ${hashOf(wideToken)}, rights: [report] }
health: { enabled: false }
`

type Stops = (() => Promise<unknown>)[]

export async function measureHostileCalls(): Promise<Figures> {
  const stops: Stops = []
  try {
    const alone = await startRouter(settings, stops)
    await write(`${alone}/v1/regions/${victim}`, 'PUT', exampleRegion(victim))
    await write(`${alone}/v1/regions/${victim}/heartbeat`, 'POST', { epoch: 1, sequence: 5, inflight: 7 })
    const refused = await countRefused(alone, hostileCalls)
    const { router, neighbour, redisPort } = await startNeighbours(stops)
    const calls = [...neighbourCalls(portOf(neighbour)), ...redisCalls(redisPort)]
    return {
      hostileCalls: hostileCalls.length + calls.length,
      hostileCallsRefused: refused + (await countRefused(router, calls)),
    }
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

/** Two routers on one Redis, of whom the first knows the second and may have regions on the loopback of both. */
async function startNeighbours(stops: Stops) {
  const redis = await startRedis({ teardown: stop => stops.push(stop) })
  const start = (id: string) => {
    const shared = settings.replace('10.20.0.0/16', '127.0.0.0/8, localhost')
    return startRouter(`${shared}\nrouter: { id: ${id} }\nredis: { url: "redis://127.0.0.1:${redis.port}" }\n`, stops)
  }
  /** Control URLs. */
  const [router, neighbour] = [await start('one'), await start('other')]
  const isKnown = () => redis.cli('HVALS', '{meridian:default}:routers').includes(`"port":${portOf(neighbour)}`)
  while (!isKnown()) await new Promise(resolve => setTimeout(resolve, 50))
  // It reads once a second.
  await new Promise(resolve => setTimeout(resolve, 2_000))
  return { router, neighbour, redisPort: redis.port }
}

/** @returns its control URL */
async function startRouter(text: string, stops: Stops): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-bench-'))
  const file = join(folder, 'meridian.yaml')
  writeFileSync(file, text)
  const command = startMeridianCommand(['serve', '--config', file], { env: { XDG_STATE_HOME: folder } })
  stops.push(async () => {
    command.process.kill('SIGKILL')
    await command.result
    rmSync(folder, { recursive: true, force: true })
  })
  const [, controlUrl] = await command.until('stderr', /its control API on (\S+)\n/)
  return controlUrl!
}

async function countRefused(controlUrl: string, calls: readonly HostileCall[]): Promise<number> {
  let refused = 0
  for (const { name, bytes, statuses } of calls) {
    const status = await statusOf(portOf(controlUrl), bytes)
    if (statuses.includes(status)) refused++
    else console.error(`${name}: answered ${status}, not ${statuses.join(' or ')}`)
  }
  return refused
}

const portOf = (url: string): number => Number(new URL(url).port)

async function write(url: string, method: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${wideToken}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method, headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
}

/** Of the answer; NaN where there was none. */
async function statusOf(port: number, bytes: string): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  // Who is refused before its last byte is read finds the connection closed.
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return Number(text.split(' ', 2)[1])
}
