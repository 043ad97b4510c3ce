/** The fleet as a whole: its mode, the audit log, and revisions that keep changes from overwriting each other. */

import t from 'tap'
import { createDrainTracker } from '../../src/regions/drain-estimate.ts'
import { bearer, controlWorld } from '../support/control.ts'

const headers = bearer('all-token')
const spec = {
  name: 'Amsterdam',
  tier: 'edge',
  coordinates: { latitude: 52.37, longitude: 4.9 },
  endpoints: { publicUrl: 'https://ams.example.com' },
}

t.test('an operator sets the mode, and everybody sees it', async t => {
  const { app, store } = await controlWorld()
  t.teardown(() => app.close())
  const see = async () => (await app.inject('/v1/fleet')).json()
  t.match(await see(), { mode: 'auto', regions: { total: 3, up: 3, draining: 0 }, snapshot: { version: 1, ageMs: 0 } })
  for (const mode of ['frozen', 'distance-only', 'auto']) {
    const answer = await app.inject({ method: 'POST', url: '/v1/fleet/mode', headers, payload: { mode } })
    t.match(answer.json(), { mode })
    t.equal((await store.read()).mode, mode)
  }
  const wrong = await app.inject({ method: 'POST', url: '/v1/fleet/mode', headers, payload: { mode: 'fast' } })
  t.match(wrong.json(), { status: 400, faults: [/^mode: expected one of "auto", "frozen", "distance-only"/] })
})

t.test('every change is written down: who, what, before, after and how it ended', async t => {
  const { app, clock } = await controlWorld()
  t.teardown(() => app.close())
  const change = (method: 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) =>
    app.inject({ method, url, headers, ...(payload && { payload }) })
  await change('PUT', '/v1/regions/edge-ams', spec)
  await change('PUT', '/v1/regions/edge-ams', spec)
  await change('PUT', '/v1/regions/edge-ams', { ...spec, weight: 2 })
  clock.advance(500.4)
  await change('POST', '/v1/regions/edge-ams/drain', { reason: 'disks' })
  await change('POST', '/v1/regions/edge-ams/undrain')
  await change('POST', '/v1/regions/edge-ams/undrain')
  await change('DELETE', '/v1/regions/edge-ams')
  await change('DELETE', '/v1/regions/edge-ams')
  await change('POST', '/v1/fleet/mode', { mode: 'frozen' })
  await change('POST', '/v1/tokens', { name: 'ci' })
  await app.inject({ method: 'DELETE', url: '/v1/regions/edge-ams' })
  await app.inject({
    method: 'POST',
    url: '/v1/fleet/mode',
    headers: bearer('report-token'),
    payload: { mode: 'auto' },
  })
  const { entries } = (await app.inject({ url: '/v1/audit?count=50', headers })).json()
  const who = 'all-token'
  t.match(entries.toReversed(), [
    { at: 1000, who, action: 'register', region: 'edge-ams', after: { weight: 1 }, outcome: 'done' },
    { at: 1000, who, action: 'register', before: { weight: 1 }, after: { weight: 2 }, outcome: 'done' },
    { at: 1500, who, action: 'drain', region: 'edge-ams', after: { by: who, reason: 'disks' }, outcome: 'done' },
    { who, action: 'undrain', before: { reason: 'disks' }, outcome: 'done' },
    { who, action: 'remove', before: { weight: 2 }, outcome: 'done' },
    { who, action: 'remove', region: 'edge-ams', outcome: 'REGION_UNKNOWN' },
    { who, action: 'mode', before: 'auto', after: 'frozen', outcome: 'done' },
    {
      ...{ who, action: 'create-token', outcome: 'done' },
      after: { name: 'ci', rights: ['read', 'report', 'operator'], createdAt: 1500 },
    },
    { who: 'report-token', action: 'mode', outcome: 'TOKEN_REFUSED' },
  ])
  t.equal(entries.length, 9, 'what changed nothing, and who is nobody, leave no entry')
  const some = (await app.inject({ url: '/v1/audit?region=edge-ams&count=3', headers })).json()
  t.match(
    some.entries.map(({ region, action }: { region: string; action: string }) => [region, action]),
    [
      ['edge-ams', 'remove'],
      ['edge-ams', 'remove'],
      ['edge-ams', 'undrain'],
    ],
    'the newest three of that region',
  )
  t.equal((await app.inject({ url: '/v1/audit?count=x', headers })).statusCode, 400)
})

t.test('a change that cannot be written down is made all the same', async t => {
  const { app, store } = await controlWorld()
  t.teardown(() => app.close())
  store.audit.append = () => Promise.reject(new Error('no room'))
  t.equal((await app.inject({ method: 'PUT', url: '/v1/regions/a', headers, payload: spec })).statusCode, 201)
})

t.test('what somebody else has changed meanwhile is not overwritten', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  const put = (id: string, more: Record<string, string>, body: object = spec) =>
    app.inject({ method: 'PUT', url: `/v1/regions/${id}`, headers: { ...headers, ...more }, payload: body })
  const tagOf = async (id: string) => String((await app.inject(`/v1/regions/${id}`)).headers['etag'])

  t.equal(await tagOf('cloud-fra'), '"0"', 'only in a file')
  t.equal((await put('a', { 'if-match': '*' })).statusCode, 412, 'not there')
  t.equal((await put('a', { 'if-none-match': '*' })).statusCode, 201)
  const there = await put('a', { 'if-none-match': '*' })
  t.match(there.json(), {
    ...{ status: 412, code: 'REGION_CHANGED' },
    detail: `region "a" is registered already, at revision 1: look at it, and send If-Match: "1" to change it all the same`,
  })
  t.match((await put('a', { 'if-match': '1' })).json(), {
    ...{ status: 400, code: 'REQUEST_INVALID' },
    detail:
      'If-Match: expected one tag as ETag gives it ("12"), not 1: the quotes are part of the tag, so send If-Match: "1"',
  })
  const first = await tagOf('a')
  const same = await put('a', { 'if-match': first })
  t.equal(same.headers['etag'], first, 'the same again is the same revision')
  t.ok(same.json().epoch > 1, 'but another epoch')
  const changed = await put('a', { 'if-match': first }, { ...spec, weight: 2 })
  t.equal(changed.statusCode, 200)
  t.not(changed.headers['etag'], first)
  t.equal(changed.headers['etag'], await tagOf('a'))
  t.match((await put('a', { 'if-match': first })).json(), { status: 412, code: 'REGION_CHANGED' })
  for (const [method, url] of [
    ['POST', '/v1/regions/a/drain'],
    ['POST', '/v1/regions/a/undrain'],
    ['DELETE', '/v1/regions/a'],
  ] as const) {
    t.equal((await app.inject({ method, url, headers: { ...headers, 'if-match': first } })).statusCode, 412, url)
  }
  t.equal((await put('a', { 'if-match': first, 'if-none-match': '*' })).statusCode, 400)
  t.equal((await put('a', { 'if-match': 'W/"1"' })).statusCode, 400)
  t.equal((await put('a', { 'if-match': '*' })).statusCode, 200)
})

t.test('a draining region tells when it will be empty', async t => {
  const drains = createDrainTracker()
  const { app, store, clock, refresh } = await controlWorld({
    drains,
    currentSnapshot: () => ({ version: 0, takenAt: 0, regions: [] }),
  })
  t.teardown(() => app.close())
  const { epoch } = await store.register({ ...(await store.read()).records[0]!.region, id: 'edge-x' })
  await store.drain('edge-x', 'ops', '')
  const verdict = { condition: 'draining', by: 'operator', detail: '' } as const
  const observe = async () => {
    const fleet = await store.read()
    const { region, load } = fleet.records.find(record => record.region.id === 'edge-x')!
    const state = { region, verdict, load: load!, since: 0, tollMs: 0, serviceMs: 0 }
    drains.observe({ version: 1, takenAt: 0, regions: [state] }, fleet)
  }
  for (const [sequence, inflight] of [64, 32, 16].entries()) {
    await store.heartbeat('edge-x', { epoch, sequence: sequence + 1, inflight })
    await observe()
    if (sequence < 2) clock.advance(2000)
  }
  await refresh()
  t.match((await app.inject('/v1/regions/edge-x')).json().drain.estimate, {
    basis: 'trend',
    inflight: 16,
    emptyInSeconds: 10,
  })
  clock.advance(10_000)
  await observe()
  t.same((await app.inject('/v1/regions/edge-x')).json().drain.estimate, { basis: 'silent', inflight: 16 })
  t.notOk('drain' in (await app.inject('/v1/regions/cloud-fra')).json())
})
