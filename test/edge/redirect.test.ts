/** Redirects, decisions and refusals, as real clients see them. */

import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { formatAddress } from '../../src/geo/address.ts'
import { exampleRegion } from '../support/example-region.ts'
import { curl, fakeRouter, headersOf, regionAt, ruleOf, sendRaw, startEdge, until } from './running-edge.ts'

const fra = exampleRegion('edge-fra', { name: 'Frankfurt' })
const ams = exampleRegion('edge-ams', { tier: 'cloud' })

t.test('a redirect keeps method, path and query, and is not to be stored', async t => {
  const { url, exchanges } = await startEdge(t, fakeRouter(ruleOf({}), [fra, ams]))
  const answer = await curl(`${url}/v1/a%2Fb//c/../d?q=1&r=%00#gone`)
  t.equal(answer.status, 307)
  t.equal(answer.headers['location'], 'https://edge-fra.example.com/v1/a%2Fb//c/../d?q=1&r=%00')
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(answer.headers['x-meridian-region'], 'edge-fra')
  t.equal(answer.headers['x-request-id'], 'id-1')
  t.match(answer.text, /Frankfurt \(edge-fra\)/)
  await until(() => exchanges.length === 1)
  const { client, durationMs, ...record } = exchanges[0]!
  t.equal(formatAddress(client), '127.0.0.1')
  t.ok(durationMs >= 0)
  t.match(record, {
    requestId: 'id-1',
    method: 'GET',
    host: '127.0.0.1',
    path: '/v1/a%2Fb//c/../d',
    rule: 'test',
    transport: 'redirect',
    reason: 'least-cost',
    region: 'edge-fra',
    tries: 0,
    status: 307,
    whole: true,
  })
})

t.test('the status is the one of the rule; HEAD gets no body, POST its redirect without sending one', async t => {
  const { url } = await startEdge(t, fakeRouter(ruleOf({ status: 308 }), [fra]))
  const head = await curl('--head', `${url}/x`)
  t.equal(head.status, 308)
  t.equal(head.text, '')
  t.ok(Number(head.headers['content-length']) > 0, 'the length that GET would have')
  const post = await curl('--header', 'Expect: 100-continue', '--data', 'body', `${url}/x`)
  t.equal(post.status, 308)
  t.equal(post.headers['connection'], 'close', 'whether the body still comes is not clear')
})

t.test('no target and no header leads a client anywhere but to the region', async t => {
  const { port } = await startEdge(t, fakeRouter(ruleOf({}), [fra]))
  const authority = 'https://edge-fra.example.com'
  for (const [request, status, location] of [
    ['GET //evil.example/x HTTP/1.1\r\nHost: a\r\n', 307, `${authority}//evil.example/x`],
    ['GET /\\evil.example HTTP/1.1\r\nHost: a\r\n', 307, `${authority}/\\evil.example`],
    ['GET /@evil.example HTTP/1.1\r\nHost: a\r\n', 307, `${authority}/@evil.example`],
    ['GET /:80@evil.example HTTP/1.1\r\nHost: a\r\n', 307, `${authority}/:80@evil.example`],
    ['GET /%0d%0aSet-Cookie:%20x=1 HTTP/1.1\r\nHost: a\r\n', 307, `${authority}/%0d%0aSet-Cookie:%20x=1`],
    ['GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n', 400, undefined],
    ['GET http://evil.example/x?y HTTP/1.1\r\nHost: a\r\n', 307, `${authority}/x?y`],
    ['GET http://evil.example HTTP/1.1\r\nHost: a\r\n', 307, `${authority}/`],
    ['GET / HTTP/1.1\r\nHost: evil.example\r\n', 307, `${authority}/`],
    ['GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Host: evil.example\r\nX-Original-URL: //evil\r\n', 307, `${authority}/`],
    ['GET / HTTP/1.0\r\n', 307, `${authority}/`],
    ['OPTIONS * HTTP/1.1\r\nHost: a\r\n', 204, undefined],
    ['GET * HTTP/1.1\r\nHost: a\r\n', 400, undefined],
    ['GET evil.example HTTP/1.1\r\nHost: a\r\n', 400, undefined],
    ['GET http://user@evil.example/ HTTP/1.1\r\nHost: a\r\n', 400, undefined],
    ['GET /#fragment HTTP/1.1\r\nHost: a\r\n', 400, undefined],
    ['GET / HTTP/1.1\r\n', 400, undefined],
    ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n', 400, undefined],
    ['GET / HTTP/1.1\r\nHost: a b\r\n', 400, undefined],
    ['GET / HTTP/1.1\r\nHost: user@a\r\n', 400, undefined],
    ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n', 400, undefined],
    ['GET / HTTP/1.1\r\nHost : a\r\n', 400, undefined],
    ['CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n', 501, undefined],
    ['this is not HTTP\r\n', 400, undefined],
  ] as const) {
    const answer = await sendRaw(port, `${request}Connection: close\r\n\r\n`)
    const headers = headersOf(answer)
    t.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `), request)
    t.equal(headers['location'], location, request)
    if (status >= 400) t.equal(headers['content-type'], 'application/problem+json', request)
    t.notMatch(answer, /^set-cookie/im, request)
  }
})

t.test('requests one behind the other on a connection are answered in their order', async t => {
  const { port } = await startEdge(t, fakeRouter(ruleOf({}), [fra]))
  const requests = ['/1', '/2', '/3'].map(path => `GET ${path} HTTP/1.1\r\nHost: a\r\n`)
  const answers = await sendRaw(port, `${requests.join('\r\n')}Connection: close\r\n\r\n`)
  t.same(
    [...answers.matchAll(/^Location: (.*)\r$/gm)].map(match => match[1]),
    ['/1', '/2', '/3'].map(path => `https://edge-fra.example.com${path}`),
  )
})

t.test('limits: URL, header fields, time', async t => {
  const settings = { maxUrlBytes: 100, maxHeaderBytes: 2_000 }
  const { url } = await startEdge(t, fakeRouter(ruleOf({}), [fra]), { settings })
  const long = await curl(`${url}/${'a'.repeat(100)}`)
  t.equal(long.status, 414)
  t.match(JSON.parse(long.text), { code: 'URL_TOO_LONG', status: 414, instance: 'id-1' })
  const large = await curl('--header', `X-Large: ${'a'.repeat(3_000)}`, url)
  t.equal(large.status, 431)
  t.match(JSON.parse(large.text), { code: 'HEADERS_TOO_LARGE' })

  const timeouts = { headersTimeoutMs: 100, requestTimeoutMs: 100 }
  const { port } = await startEdge(t, fakeRouter(ruleOf({}), [fra]), { settings: timeouts })
  const late = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\n')
  t.match(late, /^HTTP\/1\.1 408 /, 'a request that never ends')
  t.match(late, /"code":"REQUEST_TIMEOUT"/)
})

t.test('the decision itself, for somebody else to act on', async t => {
  const { url } = await startEdge(t, fakeRouter(ruleOf({ transport: 'decide' }), [fra, ams]))
  const answer = await curl(`${url}/where?x=%2F`)
  t.equal(answer.status, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(answer.headers['x-meridian-region'], 'edge-fra')
  t.same(JSON.parse(answer.text), {
    region: 'edge-fra',
    tier: 'edge',
    url: 'https://edge-fra.example.com/where?x=%2F',
    reason: 'least-cost',
    degraded: false,
    candidates: [
      { region: 'edge-fra', tier: 'edge', costMs: 1.25 },
      { region: 'edge-ams', tier: 'cloud', costMs: 11.25 },
    ],
  })
})

t.test('no region at all: 503 over every transport, with the time to come back', async t => {
  for (const transport of ['redirect', 'decide', 'proxy'] as const) {
    const { url, exchanges } = await startEdge(t, fakeRouter(ruleOf({ transport }), []))
    const answer = await curl(url)
    t.equal(answer.status, 503, transport)
    t.equal(answer.headers['retry-after'], '5')
    t.equal(answer.headers['x-meridian-region'], undefined)
    t.match(JSON.parse(answer.text), { code: 'NO_REGION', type: 'urn:meridian-router:error:no-region' })
    await until(() => exchanges.length === 1)
    t.match(exchanges[0], { status: 503, errorCode: 'NO_REGION', region: undefined })
  }
})

t.test('too many routers on the way: 508, by hop count or by Via', async t => {
  const { url } = await startEdge(t, fakeRouter(ruleOf({}), [fra]))
  for (const [header, status] of [
    ['X-Meridian-Hops: 3', 307],
    ['X-Meridian-Hops: 4', 508],
    ['X-Meridian-Hops: many', 307],
    ['Via: 1.1 meridian, 1.1 meridian, 1.0 meridian', 307],
    ['Via: 1.1 meridian, 1.1 other, 1.1 meridian, 1.0 meridian (a), 1.1 Meridian', 508],
    ['Via: 1.1 a, 1.1 b, 1.1 c, 1.1 d, 1.1 meridian-like', 307],
  ] as const) {
    t.equal((await curl('--header', header, url)).status, status, header)
  }
})

t.test('a request id comes from trusted peers only, and only well-formed', async t => {
  const router = fakeRouter(ruleOf({}), [fra])
  const open = await startEdge(t, router)
  t.equal((await curl('-H', 'X-Request-Id: mine', open.url)).headers['x-request-id'], 'id-1')
  const behind = await startEdge(t, router, { trusted: ['127.0.0.0/8'] })
  t.equal((await curl('-H', 'X-Request-Id: 0b1d-4.f_~', behind.url)).headers['x-request-id'], '0b1d-4.f_~')
  t.equal((await curl('-H', 'X-Request-Id: <b>', behind.url)).headers['x-request-id'], 'id-1')
  t.equal((await curl('-H', `X-Request-Id: ${'a'.repeat(129)}`, behind.url)).headers['x-request-id'], 'id-2')
})

t.test('the router is asked with the address, host, path and headers of the client', async t => {
  const router = fakeRouter(ruleOf({}), [fra])
  const { url } = await startEdge(t, router, { trusted: ['127.0.0.0/8'], header: 'x-forwarded-for' })
  await curl('-H', 'X-Forwarded-For: 81.2.69.142', '-H', 'Host: API.Example.com:80', '-H', 'X-Session: s', `${url}/a?b`)
  const [asked] = router.asked
  t.equal(formatAddress(asked!.address), '81.2.69.142')
  t.match(asked, { host: 'api.example.com', path: '/a', method: 'GET' })
  t.equal(asked!.header?.('x-session'), 's')
  t.equal(asked!.header?.('x-none'), undefined)
})

t.test('preflights are answered here when the rule has cors, and dispatch nothing', async t => {
  const cors = {
    origins: ['https://app.example.com'],
    methods: ['POST'],
    headers: ['x-session'],
    exposedHeaders: [],
    credentials: false,
    maxAgeSeconds: 60,
  }
  const preflight = ['-X', 'OPTIONS', '-H', 'Access-Control-Request-Method: POST', '-H']
  for (const transport of ['redirect', 'proxy'] as const) {
    const router = fakeRouter(ruleOf({ transport, cors }), [fra])
    const { url } = await startEdge(t, router)
    const ours = await curl(...preflight, 'Origin: https://app.example.com', url)
    t.equal(ours.status, 204)
    t.equal(ours.headers['access-control-allow-origin'], 'https://app.example.com')
    t.equal(ours.headers['access-control-allow-methods'], 'POST')
    const foreign = await curl(...preflight, 'Origin: https://evil.example', url)
    t.equal(foreign.status, 204)
    t.equal(foreign.headers['access-control-allow-origin'], undefined)
    t.same(router.asked, [])
  }
  const { url } = await startEdge(t, fakeRouter(ruleOf({ cors }), [fra]))
  const redirect = await curl('-H', 'Origin: https://app.example.com', url)
  t.equal(redirect.headers['access-control-allow-origin'], 'https://app.example.com')
  const without = await startEdge(t, fakeRouter(ruleOf({}), [fra]))
  t.equal((await curl(...preflight, 'Origin: https://a.example', without.url)).status, 307, 'no cors: like any request')
})

t.test('a fault inside the router costs one exchange, not the router', async t => {
  const router = fakeRouter(ruleOf({}), [fra])
  let broken = true
  const { url, faults } = await startEdge(t, {
    ...router,
    route: request => {
      if (broken) throw new Error('a bug')
      return router.route(request)
    },
  })
  const answer = await curl(url)
  t.equal(answer.status, 500)
  t.match(JSON.parse(answer.text), { code: 'INTERNAL' })
  t.notMatch(answer.text, /a bug/, 'nothing of the inside leaves')
  t.match(faults, [{ message: 'a bug' }])
  broken = false
  t.equal((await curl(url)).status, 307)
})

t.test('several listeners, IPv6 too; all or none', async t => {
  const { edge, url, port } = await startEdge(t, fakeRouter(ruleOf({}), [regionAt('r', 'http://127.0.0.1:1')]))
  const [first, second] = await edge.listen([
    { address: '127.0.0.1', port: 0 },
    { address: '::1', port: 0 },
  ])
  t.equal((await curl(`http://127.0.0.1:${first!.port}/`)).status, 307)
  t.equal((await curl(`http://[::1]:${second!.port}/`)).status, 307)
  const free = { address: '127.0.0.1', port: 0 }
  await t.rejects(edge.listen([free, { address: '127.0.0.1', port }]), {
    code: 'LISTEN_FAILED',
    message: new RegExp(`127.0.0.1:${port}: another program listens there`),
  })
  await t.rejects(edge.listen([{ address: 'localhost', port: 0 }]), { message: /localhost: expected an IP address/ })
  t.equal((await curl(url)).status, 307, 'what listened before listens on')
})

t.test('idle connections do not hold up a close', async t => {
  const { edge, port } = await startEdge(t, fakeRouter(ruleOf({}), [fra]))
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(socket, 'data')
  const closed = once(socket, 'close')
  t.equal(await edge.close(60_000), 0)
  await closed
})

t.test('nor do clients that asked for a tunnel and stay', async t => {
  const { edge, port } = await startEdge(t, fakeRouter(ruleOf({}), [fra]))
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  socket.write('CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n')
  const [answer] = await once(socket, 'data')
  t.match(answer.toString(), /^HTTP\/1\.1 501 Not Implemented\r\n/)
  t.equal(await edge.close(60_000), 0)
})
