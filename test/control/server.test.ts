/** The API as a client meets it: a real listener, real bytes. */

import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { bearer, type ControlWorldOptions, controlWorld } from '../support/control.ts'

async function listen(t: Test, options: ControlWorldOptions = {}) {
  const { app } = await controlWorld(options)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  return { app, port, url: `http://127.0.0.1:${port}` }
}

/** Sends bytes as they are, which no HTTP client would, and reads the answer. */
async function exchange(port: number, bytes: string) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(bytes)
  const answer = await text(socket)
  const [head, body] = answer.split('\r\n\r\n', 2) as [string, string]
  return { status: Number(head.split(' ', 2)[1]), head, body }
}

const raw = (method: string, path: string) =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer all-token\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`

t.test('whatever goes wrong, the answer is a problem document', async t => {
  const { url } = await listen(t)
  const json = { ...bearer('all-token'), 'content-type': 'application/json' }
  for (const [method, path, init, status, code] of [
    ['GET', '/v2', {}, 404, 'ROUTE_UNKNOWN'],
    ['GET', '/v2/regions', {}, 404, 'ROUTE_UNKNOWN'],
    ['GET', '/v1/regions/', {}, 400, 'REQUEST_INVALID'],
    ['POST', '/v1/regions', {}, 405, 'METHOD_UNSUPPORTED'],
    ['PATCH', '/v1/regions/x', {}, 405, 'METHOD_UNSUPPORTED'],
    ['GET', '/v1/regions/x/drain', {}, 405, 'METHOD_UNSUPPORTED'],
    ['OPTIONS', '/v1/route', {}, 405, 'METHOD_UNSUPPORTED'],
    ['GET', '/v1/regions/%zz', {}, 400, 'REQUEST_INVALID'],
    ['PUT', '/v1/regions/x', { headers: json, body: '{"name": ' }, 400, 'REQUEST_INVALID'],
    ['PUT', '/v1/regions/x', { headers: json, body: '{"__proto__": {"a": 1}}' }, 400, 'REQUEST_INVALID'],
    ['PUT', '/v1/regions/x', { headers: json, body: '' }, 400, 'REGION_INVALID'],
    ['PUT', '/v1/regions/x', { headers: json, body: ' '.repeat(10_000_000) }, 413, 'BODY_TOO_LARGE'],
    [
      'PUT',
      '/v1/regions/x',
      { headers: { ...json, 'content-type': 'text/yaml' }, body: 'a: 1' },
      415,
      'MEDIA_TYPE_UNSUPPORTED',
    ],
    ['PUT', '/v1/regions/x', { headers: { ...json, 'content-type': '' }, body: '{}' }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
  ] as const) {
    const answer = await fetch(url + path, { method, ...init })
    const problem = (await answer.json()) as Record<string, unknown>
    t.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(problem)}`)
    t.match(answer.headers.get('content-type'), /^application\/problem\+json/)
    t.match(problem, { status, code, instance: path, type: /^urn:meridian-router:error:/ })
    if (status === 405) t.match(answer.headers.get('allow'), /[A-Z]/)
  }
})

t.test('paths that no client would send as they are', async t => {
  const { port } = await listen(t)
  for (const [path, named] of [
    ['/v1/regions/../etc/passwd', '/v1/regions/../etc/passwd'],
    ['/v1/regions/..', '..'],
    ['/v1/regions/%2e%2e', '..'],
    ['/v1/regions/%2e%2e%2fx', '../x'],
    ['/v1/regions/./x', '/v1/regions/./x'],
  ] as const) {
    const { status, body } = await exchange(port, raw('PUT', path))
    t.equal(status, 400, path)
    t.ok(JSON.parse(body).detail.includes(`"${named}"`), body)
  }
})

t.test('bytes that are no HTTP get a problem document, too', async t => {
  const { port } = await listen(t)
  for (const [bytes, status, code] of [
    ['nonsense\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n', 400, 'REQUEST_INVALID'],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
  ] as const) {
    const answer = await exchange(port, bytes)
    t.equal(answer.status, status)
    t.match(answer.head, /content-type: application\/problem\+json/i)
    t.equal(JSON.parse(answer.body).code, code)
  }
})

t.test('a fault of our own is logged, and its insides stay inside', async t => {
  const currentSnapshot = () => {
    throw new Error('secret detail')
  }
  const lines: string[] = []
  const log = pino({ level: 'error' }, { write: line => lines.push(line) })
  const { url } = await listen(t, { currentSnapshot, log })
  const answer = await fetch(`${url}/v1/regions`)
  t.equal(answer.status, 500)
  const body = await answer.text()
  t.equal(JSON.parse(body).code, 'INTERNAL')
  t.notMatch(body, /secret/)
  t.equal(lines.length, 1)
  t.match(lines[0], /secret detail/)
})

t.test('health, readiness and metrics', async t => {
  const reasons = ['the geo database is still loading']
  const { url } = await listen(t, { ready: () => ({ ready: false, reasons }) })
  t.same(await (await fetch(`${url}/healthz`)).json(), { status: 'ok' })
  const readiness = await fetch(`${url}/readyz`)
  t.equal(readiness.status, 503)
  t.same(await readiness.json(), { ready: false, reasons })
  const metrics = await fetch(`${url}/metrics`)
  t.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  t.equal(await metrics.text(), 'meridian_up 1\n')
})

t.test('the documentation loads nothing from anywhere else', async t => {
  const { url } = await listen(t)
  const page = await fetch(`${url}/docs`)
  t.equal(page.status, 200)
  const policy = page.headers.get('content-security-policy') ?? ''
  t.match(policy, /^default-src 'none'/)
  t.notMatch(policy, /https?:|\*|[a-z]\.[a-z]/, 'no other origin is named')
  const html = await page.text()
  const assets = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(match => match[1]!)
  t.ok(assets.length >= 5)
  for (const asset of assets) {
    t.match(asset, /^\/docs\/static\//)
    const answer = await fetch(url + asset)
    t.equal(answer.status, 200, asset)
    await answer.body?.cancel()
  }
  const script = await (await fetch(`${url}/docs/static/swagger-initializer.js`)).text()
  t.match(script, /validatorUrl: null/)
  t.match(script, /resolveUrl\('\.\/json'\)/)
  t.equal((await fetch(`${url}/docs/json`)).status, 200)
})

t.test('it stops while a client keeps its connection open', async t => {
  const { app } = await controlWorld()
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(socket, 'data')
  const closed = once(socket, 'close')
  socket.resume()
  await app.close()
  await closed
  t.equal(app.server.listening, false)
})

t.test('a JSON type without a body is as good as no body, where none is needed', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  for (const [method, path, status, code] of [
    ['POST', 'cloud-fra/drain', 200, undefined],
    ['POST', 'cloud-fra/undrain', 200, undefined],
    ['POST', 'cloud-fra/heartbeat', 400, 'REPORT_INVALID'],
    ['PUT', 'x', 400, 'REGION_INVALID'],
  ] as const) {
    const headers = { ...bearer('all-token'), 'content-type': 'application/json', 'content-length': '0' }
    const answer = await app.inject({ method, url: `/v1/regions/${path}`, headers })
    t.equal(answer.statusCode, status, `${method} ${path}: ${answer.body}`)
    t.equal(answer.json().code, code)
  }
})

t.test('a browser that is given only the address finds the documentation', async t => {
  const { app } = await controlWorld()
  t.teardown(() => app.close())
  const answer = await app.inject('/')
  t.match(answer, { statusCode: 302, headers: { location: '/docs' } })
})
