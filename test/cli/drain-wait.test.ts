import { createHash } from 'node:crypto'
import { pino } from 'pino'
import t from 'tap'
import { waitUntilEmpty } from '../../src/cli/drain-wait.ts'
import { parseConfig } from '../../src/config/config.ts'
import type { RegionView } from '../../src/control/schemas.ts'
import { startMeridian } from '../../src/runtime/meridian.ts'
import { exampleRegion } from '../support/example-region.ts'

t.test('a region that falls silent while it drains is not waited for', async t => {
  const config = parseConfig(
    `
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control:
  listen: { address: 127.0.0.1, port: 0 }
  allowedEndpoints: ["*.example.com"]
  tokens: [{ name: ops, sha256: ${createHash('sha256').update('token').digest('hex')} }]
lease: { duration: 1s }
routing: { snapshotEvery: 100ms }`,
    undefined,
    {},
  )
  const router = await startMeridian(config, { regions: [], log: pino({ level: 'silent' }) })
  t.teardown(() => router.close(0))
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { authorization: 'Bearer token', ...(body && { 'content-type': 'application/json' }) }
    const answer = await fetch(`${router.controlUrl}/v1/regions/fra${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    return answer.status === 204 ? undefined : answer.json()
  }
  const { epoch } = (await ask('PUT', '', exampleRegion('fra'))) as { epoch: number }
  await ask('POST', '/heartbeat', { epoch, sequence: 1, inflight: 3, queueDepth: 2 })
  await ask('POST', '/drain')
  const told: string[] = []
  const read = async () => (await ask('GET', '')) as RegionView
  await t.rejects(
    waitUntilEmpty('fra', read, 600_000, line => told.push(line)),
    {
      code: 'DRAIN_UNFINISHED',
      message:
        'region "fra": it has fallen silent, with 5 in flight when it last reported, so nobody can tell when it is empty; it is drained all the same',
    },
  )
  t.equal(told.at(-1), 'fra: empty no telling: it has fallen silent, with 5 in flight')
  t.match(await read(), { state: 'draining', drain: { estimate: { basis: 'silent', inflight: 5 } } })
})
