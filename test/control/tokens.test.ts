import t from 'tap'
import { bearer, controlWorld, token, tokens } from '../support/control.ts'

const operator = bearer('all-token')

t.test('a token is made, used, listed without its secret, and revoked', async t => {
  const { app, store } = await controlWorld({ access: { tokens, openReading: false } })
  t.teardown(() => app.close())
  const made = await app.inject({
    ...{ method: 'POST', url: '/v1/tokens', headers: operator },
    payload: { name: 'ci', rights: ['read'], regions: ['edge-*'] },
  })
  t.equal(made.statusCode, 201)
  const { token, entry } = made.json()
  t.match(token, /^mrd_[A-Za-z0-9_-]{43}$/, '256 bits')
  t.match(entry, { name: 'ci', rights: ['read'], regions: ['edge-*'], source: 'store', expired: false })
  t.notOk(JSON.stringify(await store.tokens.list()).includes(token), 'the store knows the hash only')
  t.equal((await app.inject({ url: '/v1/regions', headers: bearer(token) })).statusCode, 200)
  const listed = await app.inject({ url: '/v1/tokens', headers: operator })
  t.notOk(/[0-9a-f]{13}|mrd_/.test(listed.body), 'nothing that lets anybody use it')
  t.same(
    listed.json().tokens.map(({ name, source }: Record<string, string>) => `${name} ${source}`),
    [...tokens.map(({ name }) => `${name} configuration`), 'ci store'],
  )
  const revoke = () => app.inject({ method: 'DELETE', url: `/v1/tokens/${entry.id}`, headers: operator })
  t.equal((await revoke()).statusCode, 204)
  t.equal((await app.inject({ url: '/v1/regions', headers: bearer(token) })).statusCode, 401, 'at once')
  t.match((await revoke()).json(), { status: 404, code: 'TOKEN_NOT_FOUND' })
})

t.test('two tokens of a name are valid at a time, so that one can replace the other', async t => {
  const { app, clock } = await controlWorld()
  t.teardown(() => app.close())
  const create = async (expiresInSeconds?: number) =>
    app.inject({ method: 'POST', url: '/v1/tokens', headers: operator, payload: { name: 'ams', expiresInSeconds } })
  const [first, second, third] = [await create(), await create(60), await create()]
  t.same(
    [first, second, third].map(answer => answer.statusCode),
    [201, 201, 409],
  )
  t.match(third.json(), { code: 'TOKEN_EXISTS', detail: new RegExp(`revoke ${first.json().entry.id} or`) })
  for (const answer of [first, second]) {
    t.equal(
      (await app.inject({ method: 'DELETE', url: '/v1/tokens/x', headers: bearer(answer.json().token) })).statusCode,
      404,
    )
  }
  clock.advance(60_000)
  const late = await app.inject({ url: '/v1/tokens', headers: bearer(second.json().token) })
  t.match(late.json(), { status: 401, code: 'TOKEN_UNKNOWN', detail: /"ams" has expired/ })
  t.equal((await create()).statusCode, 201, 'an expired one makes room')
})

t.test('a token of the configuration ends at the end of its day', async t => {
  const expiring = { ...token('old', ['operator']), expires: '1970-01-01' }
  const { app, clock } = await controlWorld({ access: { tokens: [expiring], openReading: true } })
  t.teardown(() => app.close())
  const status = async () => (await app.inject({ url: '/v1/audit', headers: bearer('old') })).statusCode
  t.equal(await status(), 200)
  clock.advance(86_400_000 - clock.now() - 1)
  t.equal(await status(), 200)
  clock.advance(1)
  t.equal(await status(), 401)
})

t.test('a token for some regions speaks of none but those, and not of the fleet', async t => {
  const access = {
    tokens: [token('edges', ['read', 'report', 'operator'], ['edge-*', 'core-waw'])],
    openReading: false,
  }
  const { app } = await controlWorld({ access })
  t.teardown(() => app.close())
  for (const [method, url, status] of [
    ['POST', '/v1/regions/core-waw/drain', 200],
    ['POST', '/v1/regions/edge-x/drain', 404],
    ['POST', '/v1/regions/cloud-fra/drain', 403],
    ['POST', '/v1/regions/edge/drain', 403],
    ['DELETE', '/v1/regions/core-waw2', 403],
    ['PUT', '/v1/regions/xedge-a', 403],
    ['GET', '/v1/regions/cloud-fra', 200],
    ['POST', '/v1/fleet/mode', 403],
    ['POST', '/v1/tokens', 403],
    ['GET', '/v1/tokens', 403],
    ['GET', '/v1/audit', 403],
  ] as const) {
    t.equal((await app.inject({ method, url, headers: bearer('edges') })).statusCode, status, `${method} ${url}`)
  }
})

t.test('a token made or revoked elsewhere counts here within a second', async t => {
  const { app, store, clock } = await controlWorld()
  t.teardown(() => app.close())
  await app.ready()
  const { sha256 } = token('from-elsewhere', ['operator'])
  const add = { id: 'x', name: 'other', sha256, rights: ['operator' as const], regions: ['*'], createdAt: 0 }
  const status = async () => (await app.inject({ url: '/v1/audit', headers: bearer('from-elsewhere') })).statusCode
  t.equal(await status(), 401)
  await store.tokens.add(add)
  t.equal(await status(), 200, 'told by the store')
  await store.tokens.revoke('x')
  t.equal(await status(), 401)
  // As when the news is lost: the store knows, and nobody has said so.
  const { list } = store.tokens
  store.tokens.list = async () => [add]
  clock.advance(1_000)
  await new Promise(setImmediate)
  t.equal(await status(), 200, 'asked for once a second')
  store.tokens.list = list
})

t.test('terms that make no sense are refused, all faults at once', async t => {
  const { app, store } = await controlWorld()
  t.teardown(() => app.close())
  const payload = { name: 'a b', rights: ['root'], regions: ['Edge'], expiresInSeconds: 0, sha256: 'x' }
  const answer = await app.inject({ method: 'POST', url: '/v1/tokens', headers: operator, payload })
  t.equal(answer.statusCode, 400)
  t.equal(answer.json().faults.length, 5, answer.body)
  t.same(await store.tokens.list(), [])
})
