/** A region may announce its own leave; what an operator has said of it stands all the same. */

import t from 'tap'
import { bearer, controlWorld, tokens } from '../support/control.ts'

t.test('the right to report is enough to drain a region, to take that back and to withdraw it', async t => {
  const { app, store } = await controlWorld()
  t.teardown(() => app.close())
  const ask = async (method: 'POST' | 'DELETE' | 'PUT', path: string, token: string, payload?: object) => {
    const request = { method, url: `/v1/regions/${path}`, headers: bearer(token), ...(payload && { payload }) }
    const answer = await app.inject(request)
    return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
  }
  const region = { name: 'A', tier: 'edge', coordinates: { latitude: 0, longitude: 0 } }
  await ask('PUT', 'a', 'report-token', { ...region, endpoints: { publicUrl: 'https://a.example.com' } })
  for (const [method, path, token, status, expected, why] of [
    ['POST', 'a/drain', 'report-token', 200, { state: 'draining', drain: { by: 'report-token' } }, 'its own drain'],
    ['POST', 'a/undrain', 'report-token', 200, { state: 'up' }, 'taken back'],
    ['POST', 'a/drain', 'operator-token', 200, { drain: { by: 'operator-token' } }, "an operator's drain"],
    ['POST', 'a/drain', 'report-token', 200, { drain: { by: 'operator-token' } }, 'is not replaced'],
    [
      'POST',
      'a/undrain',
      'report-token',
      403,
      { code: 'TOKEN_REFUSED', detail: /by "operator-token"/ },
      'nor taken back',
    ],
    ['DELETE', 'a', 'report-token', 403, { code: 'TOKEN_REFUSED' }, 'nor forgotten with the region'],
    ['POST', 'a/undrain', 'operator-token', 200, { state: 'up' }, 'but by an operator'],
    ['POST', 'a/drain', 'report-token', 200, {}, 'and again'],
    ['POST', 'a/drain', 'all-token', 200, { drain: { by: 'all-token' } }, 'an operator may replace any'],
    ['POST', 'a/undrain', 'operator-token', 200, { state: 'up' }, 'and take any back'],
    ['DELETE', 'a', 'report-token', 204, undefined, 'what nobody has drained may go'],
    ['POST', 'a/drain', 'read-token', 403, { code: 'TOKEN_REFUSED' }, 'reading is not enough'],
  ] as const) {
    const answer = await ask(method, path, token)
    t.equal(answer.status, status, why)
    if (expected !== undefined) t.match(answer.body, expected, why)
  }
  t.notOk((await store.read()).records.some(record => record.region.id === 'a'))
})

t.test('a drain that has outlived its region is ended by whoever might have ended it before', async t => {
  const { app, store } = await controlWorld()
  t.teardown(() => app.close())
  const undrain = (token: string) =>
    app.inject({ method: 'POST', url: '/v1/regions/cloud-fra/undrain', headers: bearer(token) })
  for (const [by, refused, allowed] of [
    ['operator-token', 'report-token', 'operator-token'],
    ['report-token', 'read-token', 'report-token'],
  ] as const) {
    const { records } = await store.read()
    await store.drain('cloud-fra', by, 'new disks')
    await store.declare([])
    const answer = await undrain(refused)
    t.match(answer.json(), { status: 403, code: 'TOKEN_REFUSED' }, `${refused}: the drain of ${by}`)
    const ended = await undrain(allowed)
    t.equal(ended.statusCode, 204)
    t.equal(ended.body, '')
    t.equal((await undrain(allowed)).statusCode, 404, 'there is nothing left to end')
    const [entry] = (await store.audit.latest(2)).filter(({ outcome }) => outcome === 'done')
    t.match(entry, { action: 'undrain', region: 'cloud-fra', who: allowed, before: { by } })
    await store.declare(records.map(({ region }) => region))
  }
})

t.test('a token for other regions speaks of none but those', async t => {
  const access = { tokens: tokens.map(token => ({ ...token, regions: ['edge-*'] })), openReading: true }
  const { app } = await controlWorld({ access })
  t.teardown(() => app.close())
  const drain = (id: string) =>
    app.inject({ method: 'POST', url: `/v1/regions/${id}/drain`, headers: bearer('report-token') })
  t.equal((await drain('cloud-fra')).statusCode, 403)
  t.equal((await drain('edge-none')).statusCode, 404)
})
