/** Whole routers that share a fleet through a real Redis. */

import t from 'tap'
import { startRedis } from '../support/redis-server.ts'
import {
  british,
  eventually,
  folderFor,
  headers,
  json,
  keepAlive,
  london,
  routeOf,
  startRouter,
  tokyo,
} from './sharing-routers.ts'

t.test('a region that registers with one router serves from all, and falls silent on all', async t => {
  const redis = await startRedis(t)
  const [one, other] = [
    await startRouter(t, redis, folderFor(t), [tokyo]),
    await startRouter(t, redis, folderFor(t), [tokyo]),
  ]
  const stop = keepAlive(t, one, london)
  for (const router of [one, other])
    t.equal(
      await eventually(
        () => routeOf(router),
        region => region === 'london',
      ),
      'london',
    )
  await fetch(`${other.controlUrl}/v1/regions/london/drain`, { method: 'POST', headers, body: '{}' })
  for (const router of [one, other])
    t.equal(
      await eventually(
        () => routeOf(router),
        region => region === 'tokyo',
      ),
      'tokyo',
    )
  await fetch(`${one.controlUrl}/v1/regions/london/undrain`, { method: 'POST', headers, body: '{}' })
  for (const router of [one, other])
    await eventually(
      () => routeOf(router),
      region => region === 'london',
    )
  stop()
  for (const router of [one, other])
    t.equal(
      await eventually(
        () => routeOf(router),
        region => region === 'tokyo',
      ),
      'tokyo',
    )
  t.match(await json(`${other.controlUrl}/v1/explain?ip=${british}`), {
    rejected: [{ region: 'london', kind: 'doubtful', reason: 'lease' }],
  })
})

t.test('a frozen fleet stays as it is on every router', async t => {
  const redis = await startRedis(t)
  const [one, other] = [
    await startRouter(t, redis, folderFor(t), [tokyo]),
    await startRouter(t, redis, folderFor(t), [tokyo]),
  ]
  const stop = keepAlive(t, one, london)
  await eventually(
    () => routeOf(other),
    region => region === 'london',
  )
  const brake = (mode: string) =>
    fetch(`${one.controlUrl}/v1/fleet/mode`, { method: 'POST', headers, body: JSON.stringify({ mode }) })
  t.ok((await brake('frozen')).ok)
  const modeOf = async () =>
    (await json(`${other.controlUrl}/v1/explain?ip=${british}`))['snapshot'] as { mode?: string }
  await eventually(modeOf, ({ mode }) => mode === 'frozen')
  stop()
  const ended = async () => {
    const { regions } = (await json(`${other.controlUrl}/v1/regions`)) as {
      regions: { id: string; lease?: { expiresInMs: number } }[]
    }
    return regions.find(({ id }) => id === 'london')!.lease!.expiresInMs
  }
  await eventually(ended, left => left < -300)
  t.equal(await routeOf(other), 'london', 'silent, and still there')
  t.ok((await brake('auto')).ok)
  t.equal(
    await eventually(
      () => routeOf(other),
      region => region === 'tokyo',
    ),
    'tokyo',
  )
})
