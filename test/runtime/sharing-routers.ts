/** Whole routers on a real Redis, in this process: how tests start, ask and keep them busy. */

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Test } from 'tap'
import { parseConfig } from '../../src/config/config.ts'
import type { Region } from '../../src/regions/region.ts'
import { type Meridian, startMeridian } from '../../src/runtime/meridian.ts'
import { exampleRegion } from '../support/example-region.ts'
import type { RedisServer } from '../support/redis-server.ts'

export const token = 'the-token-of-the-tests'
export const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
export const british = '81.2.69.142'
export const leaseMs = 1_000

export const london = exampleRegion('london', {
  coordinates: { latitude: 51.5, longitude: -0.1 },
  endpoints: { publicUrl: 'http://127.0.0.1:1' },
})
export const tokyo = exampleRegion('tokyo', {
  coordinates: { latitude: 35.7, longitude: 139.7 },
  endpoints: { publicUrl: 'http://127.0.0.1:2' },
})

export interface Router extends Meridian {
  /** Lines of the log, as JSON. */
  readonly log: readonly string[]
}

/**
 * @param folder for the snapshot on disk
 * @param regions undefined: from files, of a folder that `more` names
 */
export async function startRouter(
  t: Test,
  redis: RedisServer,
  folder: string,
  regions: readonly Region[] | undefined,
  more = '',
  allowed = '127.0.0.0/8',
) {
  const settings = `
router: { id: router-${folder.length}-${routers++} }
http: { listen: [{ address: 127.0.0.1, port: 0 }], trustedProxies: [127.0.0.0/8] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: [${allowed}]
  tokens: [{ name: ops, sha256: ${createHash('sha256').update(token).digest('hex')} }]
lease: { duration: ${leaseMs}ms }
routing: { snapshotEvery: 100ms }
redis: { url: "redis://127.0.0.1:${redis.port}", timeout: 300ms, snapshotFile: ${join(folder, 'last.json')} }
${more}`
  const log: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => log.push(line) })
  const router = await startMeridian(parseConfig(settings, undefined, {}), {
    ...(regions && { regions }),
    log: logger,
  })
  t.teardown(() => router.close(0))
  return { ...router, log } satisfies Router
}
let routers = 0

export function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-fleet-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Asks again until the answer is as wanted: for what routers do by themselves, in their own time. */
export async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (wanted(answer)) return answer
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

export const json = async (url: string) => (await fetch(url)).json() as Promise<Record<string, unknown>>
export const routeOf = async ({ controlUrl }: Meridian) =>
  (await json(`${controlUrl}/v1/route?ip=${british}`))['region']
export const readyOf = ({ controlUrl }: Meridian) => json(`${controlUrl}/readyz`)

export async function register({ controlUrl }: Meridian, region: Region) {
  const body = JSON.stringify(region)
  const answer = await fetch(`${controlUrl}/v1/regions/${region.id}`, { method: 'PUT', headers, body })
  return { status: answer.status, ...((await answer.json()) as { epoch?: number; code?: string }) }
}

export async function beat({ controlUrl }: Meridian, id: string, epoch: number, sequence: number): Promise<number> {
  const body = JSON.stringify({ epoch, sequence })
  const answer = await fetch(`${controlUrl}/v1/regions/${id}/heartbeat`, { method: 'POST', headers, body })
  await answer.text()
  return answer.status
}

/** Keeps a region registered as an agent does: a beat every now and then, a registration when it is unknown. */
export function keepAlive(t: Test, router: Meridian, region: Region) {
  let epoch = 0
  let sequence = 0
  let stopped = false
  const turn = async (): Promise<void> => {
    if (stopped) return
    const status = epoch === 0 ? 404 : await beat(router, region.id, epoch, ++sequence).catch(() => 0)
    if (status === 404 || status === 409)
      epoch = (await register(router, region).catch(() => ({ epoch: 0 }))).epoch ?? 0
    setTimeout(turn, 100)
  }
  const stop = (): void => {
    stopped = true
  }
  t.teardown(stop)
  void turn()
  return stop
}
