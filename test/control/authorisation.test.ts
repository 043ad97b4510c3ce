import t from 'tap'
import { bearer, controlWorld, token, tokens } from '../support/control.ts'

const drain = { method: 'POST', url: '/v1/regions/cloud-fra/drain' } as const

t.test('without a token configured the API reads and never writes', async t => {
  const { app, store } = await controlWorld({ access: { tokens: [], openReading: true } })
  t.teardown(() => app.close())
  t.equal((await app.inject('/v1/regions')).statusCode, 200)
  for (const request of [drain, { ...drain, headers: bearer('all-token') }]) {
    const answer = await app.inject(request)
    t.equal(answer.statusCode, 403)
    t.match(answer.json(), { code: 'WRITING_OFF', detail: /control\.tokens is empty: add/ })
  }
  t.notOk(
    (await store.read()).records.some(record => record.drain),
    'nothing was written',
  )
})

t.test('each token does what its rights say', async t => {
  for (const [method, path, ...sufficient] of [
    ['PUT', '/v1/regions/x', 'report'],
    ['POST', '/v1/regions/x/heartbeat', 'report'],
    ['POST', '/v1/regions/x/drain', 'operator', 'report'],
    ['POST', '/v1/regions/x/undrain', 'operator', 'report'],
    ['DELETE', '/v1/regions/x', 'operator', 'report'],
    ['GET', '/v1/regions', 'read'],
    ['GET', '/v1/regions/x', 'read'],
    ['GET', '/v1/route', 'read'],
    ['GET', '/v1/explain', 'read'],
    ['GET', '/metrics', 'read'],
  ] as const) {
    const { app } = await controlWorld({ access: { tokens, openReading: false } })
    for (const { name, rights } of tokens) {
      const { statusCode } = await app.inject({ method, url: path, headers: bearer(name) })
      t.equal(
        statusCode !== 403,
        sufficient.some(right => rights.includes(right)),
        `${name}: ${method} ${path} is ${statusCode}`,
      )
      t.not(statusCode, 401)
    }
    await app.close()
  }
})

t.test('a token that is missing or not known is asked for', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  for (const [authorization, code] of [
    [undefined, 'TOKEN_MISSING'],
    ['', 'TOKEN_MISSING'],
    ['Bearer', 'TOKEN_MISSING'],
    ['Basic YWxsLXRva2Vu', 'TOKEN_MISSING'],
    ['Bearer all token', 'TOKEN_MISSING'],
    ['Bearer wrong', 'TOKEN_UNKNOWN'],
    ['Bearer all-token2', 'TOKEN_UNKNOWN'],
    [`Bearer ${tokens.at(-1)!.sha256}`, 'TOKEN_UNKNOWN'],
  ] as const) {
    const answer = await app.inject({ ...drain, ...(authorization !== undefined && { headers: { authorization } }) })
    t.equal(answer.statusCode, 401, `${authorization}`)
    t.equal(answer.json().code, code)
    t.match(answer.headers['www-authenticate'], /^Bearer/)
  }
  t.equal((await app.inject({ ...drain, headers: { authorization: 'bearer  all-token' } })).statusCode, 200)
})

t.test('beyond loopback only what is the same for everybody is open', async t => {
  const { app } = await controlWorld({ access: { tokens, openReading: false } })
  t.teardown(() => app.close())
  for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs', '/docs/static/swagger-ui.css']) {
    t.equal((await app.inject(path)).statusCode, 200, path)
  }
  for (const path of ['/v1/regions', '/v1/regions/cloud-fra', '/v1/route', '/v1/explain', '/metrics']) {
    t.equal((await app.inject(path)).statusCode, 401, path)
    t.equal((await app.inject({ method: 'HEAD', url: path })).statusCode, 401, `HEAD ${path}`)
  }
  const closed = await controlWorld({ access: { tokens: [], openReading: false } })
  t.teardown(() => closed.app.close())
  t.equal((await closed.app.inject('/v1/regions')).statusCode, 401, 'and with no tokens at all nothing opens')
})

t.test('who may not write is refused before the body is read', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  const answer = await app.inject({ method: 'PUT', url: '/v1/regions/x', payload: { x: 'x'.repeat(100_000) } })
  t.equal(answer.statusCode, 401)
})

t.test('who may call is swapped while the API runs', async t => {
  const hosts = ['old.example.com']
  const access = { tokens: [token('old', ['operator'])], openReading: false, hosts }
  const { app, clock } = await controlWorld({ access })
  t.teardown(() => app.close())
  const ask = async (bearerText: string, host = 'localhost') => {
    const headers = { ...bearer(bearerText), host }
    return (await app.inject({ url: '/v1/tokens', headers })).statusCode
  }
  t.equal(await ask('old', 'old.example.com'), 200)
  const next = { tokens: [token('new', ['operator'])], openReading: false, hosts: ['new.example.com'] }
  app.useAccess(next)
  t.equal(await ask('old'), 401)
  t.equal(await ask('new', 'new.example.com'), 200)
  t.equal(await ask('new', 'old.example.com'), 421)
  const list = await app.inject({ url: '/v1/tokens', headers: bearer('new') })
  t.match(list.json(), { tokens: [{ name: 'new' }] })
  t.equal(list.json().tokens.length, 1)

  app.useAccess({ ...next, rateLimit: { perSecond: 1, burst: 2 } })
  t.same(
    [await ask('new'), await ask('new'), await ask('new')],
    [200, 200, 429],
    'a full bucket holds no more than fits in now',
  )
  clock.advance(1000)
  app.useAccess({ ...next, tokens: [token('new', ['report'])] })
  t.equal(await ask('new'), 403, 'the same token with other rights')
})
