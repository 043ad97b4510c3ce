/** Proxied exchanges between real clients, a real edge and real origins. */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import {
  bodyOf,
  curl,
  curlProcess,
  echo,
  fakeRouter,
  regionAt,
  ruleOf,
  sendRaw,
  startEdge,
  startOrigin,
  startRawOrigin,
  until,
} from './running-edge.ts'

const proxied = ruleOf({ transport: 'proxy' })

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

t.test('the origin sees the request as it was, with what is true of the client', async t => {
  const origin = await startOrigin(t, echo)
  const { url } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  const forged = [
    'X-Forwarded-For: 1.1.1.1',
    'X_Forwarded_For: 1.1.1.1',
    'X-Real-IP: 1.1.1.1',
    'Forwarded: for=1.1.1.1',
  ]
  const answer = await curl(
    ...[
      ...forged,
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil',
      'Connection: X-Secret, TE',
      'X-Secret: 1',
    ].flatMap(header => ['-H', header]),
    ...['-H', 'Host: api.example.com:8080', '-H', 'Proxy-Authorization: x', '-H', 'Keep-Alive: timeout=9'],
    ...['-H', 'TE: trailers', '-H', 'Accept-Encoding: br', '-H', 'Via: 1.1 before'],
    `${url}/a%2Fb//c?q=%00`,
  )
  t.equal(answer.status, 200)
  t.equal(answer.headers['x-meridian-region'], 'fra')
  t.equal(answer.headers['x-request-id'], 'id-1')
  t.equal(answer.headers['via'], '1.1 meridian')
  const { method, url: path, headers } = JSON.parse(answer.text)
  t.equal(method, 'GET')
  t.equal(path, '/a%2Fb//c?q=%00')
  const { 'user-agent': _, ...rest } = headers
  t.same(rest, {
    accept: '*/*',
    'accept-encoding': 'br',
    connection: 'keep-alive',
    host: origin.slice('http://'.length),
    te: 'trailers',
    via: '1.1 before, 1.1 meridian',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'api.example.com:8080',
    forwarded: 'for=127.0.0.1;host="api.example.com:8080";proto=http',
    'x-request-id': 'id-1',
    'x-meridian-hops': '1',
  })
})

t.test('behind a trusted proxy, what it says is passed on', async t => {
  const origin = await startOrigin(t, echo)
  const options = { trusted: ['127.0.0.0/8', '10.0.0.0/8'], header: 'x-client-chain' }
  const { url } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]), options)
  const answer = await curl(
    ...[
      'X-Client-Chain: 9.9.9.9, 2001:db8::7, 10.1.1.1',
      'X-Forwarded-For: 1.1.1.1',
      'X-Forwarded-Proto: https',
    ].flatMap(header => ['-H', header]),
    ...['-H', 'X-Forwarded-Host: www.example.com', '-H', 'X-Meridian-Hops: 1', '-H', 'X-Request-Id: outer-1', url],
  )
  t.match(JSON.parse(answer.text).headers, {
    'x-forwarded-for': '2001:db8::7, 10.1.1.1, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'www.example.com',
    forwarded: 'for="[2001:db8::7]", for=10.1.1.1, for=127.0.0.1;host="www.example.com";proto=https',
    'x-meridian-hops': '2',
    'x-request-id': 'outer-1',
    'x-client-chain': undefined,
  })
})

t.test('where Forwarded is the header, scheme and host come from it alone', async t => {
  const origin = await startOrigin(t, echo)
  const options = { trusted: ['127.0.0.0/8'], header: 'forwarded' }
  const { url } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]), options)
  for (const [forwarded, proto, host] of [
    ['for=9.9.9.9;proto=https;host=www.example.com', 'https', 'www.example.com'],
    ['for=9.9.9.9', 'http', 'api.example.com'],
    ['for=9.9.9.9;proto=gopher;host="a b"', 'http', 'api.example.com'],
  ] as const) {
    const forged = ['X-Forwarded-Proto: https', 'X-Forwarded-Host: evil', 'Host: api.example.com']
    const answer = await curl(...[`Forwarded: ${forwarded}`, ...forged].flatMap(header => ['-H', header]), url)
    t.match(JSON.parse(answer.text).headers, { 'x-forwarded-proto': proto, 'x-forwarded-host': host }, forwarded)
  }
})

t.test('the answer comes back as it was, without what belonged to the connection', async t => {
  const origin = await startRawOrigin(t, socket => {
    socket.once('data', () =>
      socket.end(
        'HTTP/1.1 418 Teapot\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Mine: \xe9\r\nX-Secret: 1\r\nConnection: close, X-Secret\r\n' +
          'Keep-Alive: timeout=1\r\nX-Meridian-Region: forged\r\nX-Request-Id: forged\r\nContent-Length: 2\r\n\r\nok',
        'latin1',
      ),
    )
  })
  const { port } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  const answer = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  t.match(answer, /^HTTP\/1\.1 418 /)
  t.match(answer, /\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Mine: \xe9\r\n/)
  t.notMatch(answer, /X-Secret|Keep-Alive|forged/i)
  t.match(answer, /\r\n\r\nok$/)
})

t.test('a rule with cors speaks for its regions', async t => {
  const origin = await startOrigin(t, (_, response) => {
    response.setHeader('access-control-allow-origin', '*')
    response.setHeader('access-control-allow-credentials', 'true')
    response.setHeader('vary', 'Accept')
    response.end('ok')
  })
  const cors = {
    origins: ['https://app.example.com'],
    methods: ['GET'],
    headers: [],
    exposedHeaders: [],
    credentials: false,
    maxAgeSeconds: 60,
  }
  const { url } = await startEdge(t, fakeRouter({ ...proxied, cors }, [regionAt('fra', origin)]))
  const ours = await curl('-H', 'Origin: https://app.example.com', url)
  t.equal(ours.headers['access-control-allow-origin'], 'https://app.example.com')
  const foreign = await curl('-H', 'Origin: https://evil.example', url)
  t.equal(foreign.headers['access-control-allow-origin'], undefined)
  t.equal(foreign.headers['access-control-allow-credentials'], undefined)
  const plain = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  t.equal(
    (await curl(plain.url)).headers['access-control-allow-origin'],
    '*',
    'without cors it is the region that speaks',
  )
})

t.test('an event arrives before the origin has said the last one', async t => {
  let response: ServerResponse | undefined
  const origin = await startOrigin(t, (_, each) => {
    response = each
    each.writeHead(200, { 'content-type': 'text/event-stream' })
    each.flushHeaders()
  })
  const { url, port } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  // curl holds header fields back until a body comes, so that a plain socket looks for them.
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const [head] = await once(socket, 'data')
  t.match(head.toString(), /text\/event-stream.*\r\n\r\n$/s, 'the header fields do not wait for the first event')
  socket.destroy()

  response = undefined
  const client = curlProcess(t, url)
  const exit = once(client, 'close')
  let seen = ''
  client.stdout!.on('data', chunk => {
    seen += chunk
  })
  await until(() => response !== undefined)
  for (const event of ['one', 'two', 'three']) {
    response!.write(`data: ${event}\n\n`)
    await until(() => seen.includes(`data: ${event}\n\n`))
    t.notOk(response!.writableEnded, `${event} arrives while the origin is still speaking`)
  }
  response!.end()
  t.same(await exit, [0, null])
})

t.test('large bodies go both ways unchanged, with and without a length', async t => {
  const down = randomBytes(24 * 1024 * 1024)
  const up = randomBytes(24 * 1024 * 1024)
  const file = join(t.testdir(), 'up')
  writeFileSync(file, up)
  const received: { digest: string; headers: IncomingMessage['headers'] }[] = []
  const origin = await startOrigin(t, async (message, response) => {
    const body = await bodyOf(message)
    received.push({ digest: sha256(body), headers: message.headers })
    if (message.url === '/length') response.setHeader('content-length', down.length)
    response.end(down)
  })
  const { url, exchanges } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  for (const [path, framing] of [
    ['/length', []],
    ['/chunked', ['-H', 'Transfer-Encoding: chunked']],
  ] as const) {
    const answer = await curl('-X', 'POST', '-H', 'Expect:', ...framing, '--data-binary', `@${file}`, url + path)
    t.equal(answer.status, 200)
    t.equal(sha256(answer.body), sha256(down), `${path} down`)
    t.equal(received.at(-1)!.digest, sha256(up), `${path} up`)
  }
  t.equal(received[0]!.headers['content-length'], String(up.length))
  t.equal(received[1]!.headers['transfer-encoding'], 'chunked')
  await until(() => exchanges.length === 2)
  t.match(exchanges, [
    { bodyBytes: down.length, whole: true },
    { bodyBytes: down.length, whole: true },
  ])
})

t.test('Expect: 100-continue is answered once a region is ready to take the body', async t => {
  const origin = await startOrigin(t, async (message, response) => response.end(await bodyOf(message)))
  const { url } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  const answer = await curl('-H', 'Expect: 100-continue', '--expect100-timeout', '60', '--data', 'hello', url)
  t.equal(answer.status, 200)
  t.equal(answer.text, 'hello')
})

t.test('HEAD, 204 and 304 have no body, early hints arrive early', async t => {
  const origin = await startRawOrigin(t, socket => {
    socket.on('data', data => {
      const [method, path] = data.toString('latin1').split(' ')
      if (path === '/204') socket.write('HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n')
      if (path === '/304') socket.write('HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n')
      if (path === '/hints') socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n')
      if (path === '/bad-hints') socket.write('HTTP/1.1 103 Early Hints\r\nLink: what is this\r\n\r\n')
      if (path!.endsWith('hints') || path === '/200')
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n${method === 'HEAD' ? '' : 'hello'}`)
    })
  })
  const { url, port } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  const head = await curl('--head', `${url}/200`)
  t.match(head, { exit: 0, status: 200, text: '', headers: { 'content-length': '5' } })
  const none = await curl(`${url}/204`)
  t.match(none, { exit: 0, status: 204, text: '' })
  t.equal(none.headers['content-length'], undefined)
  t.match(await curl(`${url}/304`), { exit: 0, status: 304, text: '', headers: { etag: '"a"' } })
  const hints = await sendRaw(port, 'GET /hints HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  t.match(hints, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
  t.match(await curl(`${url}/bad-hints`), { status: 200, text: 'hello' }, 'a hint that Node refuses is left out')
})

t.test('trailers follow an answer, but none that steers it', async t => {
  const origin = await startOrigin(t, (_, response) => {
    response.writeHead(200, { trailer: 'x-checksum, set-cookie' })
    response.write('hello')
    response.addTrailers({ 'x-checksum': 'abc', 'set-cookie': 'a=1' })
    response.end()
  })
  const { port } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  const answer = await sendRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n')
  t.match(answer, /\r\n0\r\nx-checksum: abc\r\n\r\n$/)
})

t.test('a client that leaves takes its request along', async t => {
  let arrived: IncomingMessage | undefined
  let closed = false
  const origin = await startOrigin(t, (message, response) => {
    arrived = message
    response.on('close', () => {
      closed = true
    })
    if (message.url === '/begun') response.writeHead(200).write('some')
  })
  for (const path of ['/silent', '/begun']) {
    arrived = undefined
    closed = false
    const { url, exchanges, finishes } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
    const client = curlProcess(t, url + path)
    await until(() => arrived !== undefined)
    if (path === '/begun') await once(client.stdout!, 'data')
    client.kill()
    await until(() => closed && exchanges.length === 1)
    t.match(finishes, [{ region: 'fra', cancelled: true, failure: undefined }], `${path}: the region is not to blame`)
    t.match(exchanges, [{ whole: false, status: path === '/begun' ? 200 : 0 }])
  }
})

t.test('a client that leaves amid its upload takes it along', async t => {
  let upload: IncomingMessage | undefined
  const origin = await startOrigin(t, message => {
    upload = message.on('error', () => {}).resume()
  })
  const { port, finishes, exchanges } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  const socket = connect(port, '127.0.0.1')
  socket.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome')
  await until(() => upload !== undefined)
  socket.destroy()
  await until(() => exchanges.length === 1 && upload!.destroyed)
  t.match(finishes, [{ cancelled: true, failure: undefined }], 'the region is not to blame')
  t.match(exchanges, [{ status: 0, whole: false }])
  t.notOk(upload!.complete, 'the origin sees that there should have been more')
})

t.test('an origin that answers before it has read everything keeps its word', async t => {
  const origin = await startOrigin(t, (_, response) => response.writeHead(413).end('too large'))
  const file = join(t.testdir(), 'up')
  writeFileSync(file, randomBytes(4 * 1024 * 1024))
  const { url } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  const answer = await curl('-H', 'Expect:', '--data-binary', `@${file}`, url)
  t.equal(answer.status, 413)
  t.equal(answer.text, 'too large')
})

t.test('upgrades are refused with 501, but for the offer that anybody may ignore', async t => {
  const origin = await startOrigin(t, echo)
  const { url } = await startEdge(t, fakeRouter(proxied, [regionAt('fra', origin)]))
  const websocket = await curl('-H', 'Connection: Upgrade', '-H', 'Upgrade: websocket', url)
  t.equal(websocket.status, 501)
  t.match(JSON.parse(websocket.text), { code: 'UPGRADE_UNSUPPORTED' })
  const h2c = await curl('--http2', url)
  t.equal(h2c.status, 200)
  t.equal(JSON.parse(h2c.text).headers.upgrade, undefined)
  t.equal(JSON.parse(h2c.text).headers['http2-settings'], undefined)
})

t.test('a close lets exchanges finish, and cuts and counts those that do not', async t => {
  const waiting: ServerResponse[] = []
  const origin = await startOrigin(t, (_, response) => waiting.push(response))
  const router = fakeRouter(proxied, [regionAt('fra', origin)])
  const patient = await startEdge(t, router)
  const answer = curl(patient.url)
  await until(() => waiting.length === 1)
  const closed = patient.edge.close(60_000)
  t.equal((await curl(patient.url)).exit, 7, 'nothing new is accepted')
  waiting[0]!.end('done')
  t.match(await answer, { status: 200, text: 'done', headers: { connection: 'close' } })
  t.equal(await closed, 0)

  const hasty = await startEdge(t, router)
  const cut = curl(hasty.url)
  await until(() => waiting.length === 2)
  t.equal(await hasty.edge.close(1), 1)
  t.equal((await cut).exit, 52, 'the client sees that there is no answer')
})
