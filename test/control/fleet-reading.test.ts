/** What readers see while the store cannot be read. */

import t from 'tap'
import type { KnownFleet } from '../../src/control/fleet-reading.ts'
import { MeridianError } from '../../src/errors.ts'
import { createLogger } from '../../src/observe/log.ts'
import { bearer, controlWorld } from '../support/control.ts'

const headers = bearer('all-token')
const reads = ['/v1/regions', '/v1/regions/cloud-fra', '/v1/fleet']

t.test('while the store is away readers see what was last known, and that it is old', async t => {
  let known: KnownFleet | undefined
  const { app, store, clock, refresh } = await controlWorld({ knownFleet: () => known })
  t.teardown(() => app.close())
  const see = async (url: string) => (await app.inject(url)).json()
  const { read } = store
  await app.inject({ method: 'POST', url: '/v1/regions/cloud-fra/drain', headers, payload: { reason: 'disks' } })
  const fresh = await Promise.all(reads.map(see))
  for (const answer of fresh) t.notOk('stale' in answer || 'ageMs' in answer, 'nothing is old')

  store.read = () => Promise.reject(new MeridianError('STORE_UNAVAILABLE', 'gone'))
  for (const url of reads) t.match(await see(url), { status: 503, code: 'STORE_UNAVAILABLE' }, 'nothing is known')

  known = { fleet: await read.call(store), readAt: clock.now() }
  clock.advance(1234.4)
  for (const [index, url] of reads.entries()) {
    const { snapshot, ...answer } = await see(url)
    const { snapshot: _, ...before } = fresh[index]
    t.same(answer, { ...before, stale: true, ageMs: 1234 }, url)
  }
  t.equal((await app.inject('/v1/regions/cloud-fra')).headers['etag'], '"0"')
  t.equal((await app.inject('/v1/regions/nobody')).statusCode, 404)
  const undrain = await app.inject({ method: 'POST', url: '/v1/regions/cloud-fra/undrain', headers })
  t.equal(undrain.statusCode, 503, 'a write is not pretended')

  known = { ...known, readAt: undefined }
  t.match(await see('/v1/fleet'), { stale: true, ageMs: undefined }, 'not read since the start')

  store.read = () => Promise.reject(new Error('a fault of ours'))
  t.equal((await app.inject('/v1/regions')).statusCode, 500, 'is not hidden')

  store.read = read
  await refresh()
  t.notOk('stale' in (await see('/v1/regions')), 'back')
})

t.test('calls that the store is missing for are a line of the log, and then a count', async t => {
  const lines: Record<string, unknown>[] = []
  const log = createLogger({ level: 'warn' }, { write: line => lines.push(JSON.parse(line)) })
  const { app, store, clock } = await controlWorld({ log })
  t.teardown(() => app.close())
  await app.ready()
  const { read, audit } = store
  const gone = () => Promise.reject(new MeridianError('STORE_UNAVAILABLE', 'gone', { cause: new Error('why') }))
  const drain = () => app.inject({ method: 'POST', url: '/v1/regions/cloud-fra/drain', headers, payload: {} })
  store.read = gone
  const append = audit.append.bind(audit)
  audit.append = gone
  const refuse = async (count: number) => {
    for (let call = 0; call < count; call++) t.equal((await drain()).statusCode, 503)
  }
  await refuse(4)
  t.match(lines.splice(0), [{ level: 'warn', code: 'STORE_UNAVAILABLE', msg: 'calls are refused: gone' }])
  clock.advance(10_000)
  const count = { code: 'STORE_UNAVAILABLE', calls: 3, seconds: 10, msg: '3 more calls were refused in 10 s: gone' }
  t.match(lines, [count])
  t.notMatch(JSON.stringify(lines.splice(0)), /stack/)
  clock.advance(30_000)
  t.same(lines, [], 'nothing to tell')
  await refuse(1)
  t.match(lines.splice(0), [{ msg: 'calls are refused: gone' }], 'the next time is told anew')

  store.read = read
  t.equal((await drain()).statusCode, 200)
  t.match(lines, [{ level: 'error', msg: 'not in the audit log', reason: 'gone', entry: { action: 'drain' } }])
  t.notMatch(JSON.stringify(lines), /stack/)
  audit.append = append
})
