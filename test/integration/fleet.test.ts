/** The fleet of the trials itself: what it must not mistake for a fault. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Trace } from '../../src/routing/decision.ts'
import { exampleRegion } from '../support/example-region.ts'
import { startRedis } from '../support/redis-server.ts'
import { keepProcesses, startTrialRouter } from './fleet.ts'
import { callControl, eventually, viewOf } from './views.ts'
import { visitor } from './writer.ts'

t.test('regions on a machine that is busy are full, and in use all the same', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-trial-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis(t)
  const processes = keepProcesses(t, () => void redis.kill())
  const router = await startTrialRouter(t, { name: 'router', folder, redis, leaseMs: 60_000, processes })
  const endpoints = { publicUrl: 'http://127.0.0.1:1' }
  const put = (id: string, body: object) => callControl(router, 'PUT', `/v1/regions/${id}`, { ...body, endpoints })
  for (const id of ['edge-fra', 'edge-sin']) {
    const { body } = await put(id, exampleRegion(id, { tier: 'edge' }))
    await callControl(router, 'POST', `/v1/regions/${id}/heartbeat`, { epoch: body.epoch, sequence: 1, cpu: 1 })
  }
  t.equal((await put('core-visitor', visitor)).status, 201)
  const { controlUrl } = router
  const barriers = async () => {
    const { candidates, rejected } = (await (await fetch(`${controlUrl}/v1/explain?ip=81.2.69.142`)).json()) as Trace
    return [...candidates, ...rejected].map(({ column }) => column.barrier)
  }
  await eventually('both are full', barriers, found => found.filter(ms => ms > 50).length === 2)
  const { usable, rejected } = await viewOf(router)
  t.same([...usable].sort(), ['edge-fra', 'edge-sin'])
  t.same([...rejected], [['core-visitor', 'tier']], 'nobody is sent to the visitor')
})
