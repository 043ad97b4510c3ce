/** What happens to a proxied request when a region fails: who is asked next, and when nobody may be. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import type { Forwarder, ForwardHandler, OriginRequest } from '../../src/edge/forwarder.ts'
import {
  bodyOf,
  curl,
  echo,
  fakeRouter,
  refusingUrl,
  regionAt,
  ruleOf,
  startEdge,
  startOrigin,
  startRawOrigin,
  until,
} from './running-edge.ts'

const proxied = ruleOf({ transport: 'proxy' })

/** Reads the request's head, then resets the connection. */
function reset(socket: Socket): void {
  socket.once('data', () => socket.resetAndDestroy())
}

t.test('a refused connection: the next region, whatever the method, body and all', async t => {
  const dead = regionAt('dead', await refusingUrl())
  const alive = regionAt(
    'alive',
    await startOrigin(t, async (message, response) => response.end(`${message.method} ${await bodyOf(message)}`)),
  )
  const { url, exchanges, dispatches, finishes } = await startEdge(t, fakeRouter(proxied, [dead, alive]))
  for (const args of [[], ['--data', 'body'], ['--data', 'body', '-H', 'Expect: 100-continue']]) {
    const answer = await curl(...args, url)
    t.equal(answer.status, 200)
    t.equal(answer.headers['x-meridian-region'], 'alive')
    t.equal(answer.text, args.length > 0 ? 'POST body' : 'GET ')
  }
  await until(() => exchanges.length === 3)
  t.match(exchanges[0], { region: 'alive', tries: 2, status: 200 })
  t.same(
    dispatches.map(each => each.region),
    ['dead', 'alive', 'dead', 'alive', 'dead', 'alive'],
  )
  t.match(finishes[0], { region: 'dead', failure: 'connect', cancelled: false, detail: /ECONNREFUSED/ })
  t.match(finishes[1], { region: 'alive', failure: undefined, status: 200 })
  t.type(finishes[1]!.firstByteMs, 'number')
  t.equal(finishes.length, dispatches.length)
})

t.test('a reset before the answer: on to the next only where asking twice does no harm', async t => {
  const alive = regionAt('alive', await startOrigin(t, echo))
  for (const [args, status, why] of [
    [['-X', 'GET'], 200, 'safe'],
    [['--head'], 200, 'safe'],
    [['-X', 'PUT'], 200, 'idempotent, and there is no body'],
    [['-X', 'DELETE'], 200, 'idempotent'],
    [['-X', 'POST'], 502, 'the region may have acted on it'],
    [['-X', 'PATCH'], 502, 'nor is this one idempotent'],
    [['-X', 'PUT', '--data', 'body'], 502, 'the body has gone to the first region'],
  ] as const) {
    const broken = regionAt('broken', await startRawOrigin(t, reset))
    const { url, finishes } = await startEdge(t, fakeRouter(proxied, [broken, alive]))
    const answer = await curl(...args, url)
    t.equal(answer.status, status, `${args.join(' ')}: ${why}`)
    t.match(finishes[0], { region: 'broken', failure: 'broken' })
    if (status === 502)
      t.match(JSON.parse(answer.text), { code: 'REGION_UNREACHABLE', detail: /^broken: connection lost/ })
  }
})

t.test('a connection that does not come about in time counts as none', async t => {
  // TLS belongs to connecting, and this peer never says a word of it.
  const mute = regionAt('mute', (await startRawOrigin(t, () => {})).replace('http:', 'https:'))
  const { url, finishes } = await startEdge(t, fakeRouter(proxied, [mute]), { timeouts: { connectMs: 50 } })
  t.match(JSON.parse((await curl('--data', 'body', url)).text), { status: 502, detail: /^mute: no connection/ })
  t.match(finishes, [{ region: 'mute', failure: 'connect' }])
})

t.test('what is no HTTP counts as broken', async t => {
  const alive = regionAt('alive', await startOrigin(t, echo))
  const nonsense = regionAt('nonsense', await startRawOrigin(t, socket => socket.end('220 mail.example ESMTP\r\n')))
  const { url } = await startEdge(t, fakeRouter(proxied, [nonsense, alive]))
  t.equal((await curl(url)).headers['x-meridian-region'], 'alive')
})

t.test('never more than three regions, and none twice', async t => {
  const dead = await refusingUrl()
  const ids = ['a', 'b', 'b', 'a', 'c', 'd']
  const { url, dispatches, exchanges } = await startEdge(
    t,
    fakeRouter(
      proxied,
      ids.map(id => regionAt(id, dead)),
    ),
  )
  const answer = await curl(url)
  t.equal(answer.status, 502)
  t.equal(answer.headers['x-meridian-region'], undefined)
  t.match(JSON.parse(answer.text), { detail: /^a: no connection; b: no connection; c: no connection\./ })
  t.notMatch(answer.text, /127\.0\.0\.1/, 'addresses of origins are no business of clients')
  t.same(
    dispatches.map(each => each.region),
    ['a', 'b', 'c'],
  )
  await until(() => exchanges.length === 1)
  t.match(exchanges, [{ region: 'a', tries: 3, status: 502, errorCode: 'REGION_UNREACHABLE' }])
})

t.test('a region that says nothing in time: 504, and nobody else is asked', async t => {
  const silent = regionAt('silent', await startRawOrigin(t, () => {}))
  const alive = regionAt('alive', await startOrigin(t, echo))
  const timeouts = { firstByteMs: 50 }
  const { url, finishes } = await startEdge(t, fakeRouter(proxied, [silent, alive]), { timeouts })
  const answer = await curl(url)
  t.equal(answer.status, 504)
  t.match(JSON.parse(answer.text), { code: 'REGION_TIMEOUT', detail: /^silent: no answer in time/ })
  t.match(finishes, [{ region: 'silent', failure: 'timeout' }])
})

t.test('an answer that breaks off is cut for the client, too', async t => {
  const half = regionAt(
    'half',
    await startRawOrigin(t, socket =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')),
    ),
  )
  const alive = regionAt('alive', await startOrigin(t, echo))
  const { url, exchanges, finishes } = await startEdge(t, fakeRouter(proxied, [half, alive]))
  const answer = await curl(url)
  t.not(answer.exit, 0, 'curl sees that there is more to come')
  t.equal(answer.status, 200)
  await until(() => exchanges.length === 1)
  t.match(finishes, [{ region: 'half', failure: 'broken', status: 200 }])
  t.match(exchanges, [{ region: 'half', status: 200, whole: false, tries: 1 }])
})

t.test('an answer that stalls is cut', async t => {
  const stalling = regionAt(
    'stalling',
    await startRawOrigin(t, socket =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')),
    ),
  )
  const { url, finishes } = await startEdge(t, fakeRouter(proxied, [stalling]), { timeouts: { stallMs: 50 } })
  t.not((await curl(url)).exit, 0)
  t.match(finishes, [{ failure: 'broken', status: 200 }])
})

/** An engine that does as told. */
function scriptedForwarder(): Forwarder & { request?: OriginRequest; handler?: ForwardHandler; resumed: number } {
  const forwarder: ReturnType<typeof scriptedForwarder> = {
    resumed: 0,
    forward(request, handler) {
      forwarder.request = request
      forwarder.handler = handler
      return { resume: () => forwarder.resumed++, cancel: () => {} }
    },
    close: async () => {},
  }
  return forwarder
}

t.test('a slow client holds the origin up, and lets it go on when it reads again', async t => {
  const forwarder = scriptedForwarder()
  const { port } = await startEdge(t, fakeRouter(proxied, [regionAt('r', 'http://r.example')]), { forwarder })
  const client = connect(port, '127.0.0.1')
  client.pause()
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => forwarder.handler !== undefined)
  forwarder.handler!.onStart(200, [])
  const chunk = Buffer.alloc(256 * 1024)
  let chunks = 0
  do {
    chunks++
    t.ok(chunks < 1_000, 'the client that reads nothing is noticed')
  } while (forwarder.handler!.onData(chunk) && chunks < 1_000)
  t.equal(forwarder.resumed, 0)
  client.resume()
  await until(() => forwarder.resumed === 1)
  forwarder.handler!.onEnd([])
  client.destroy()
})

t.test('a slow origin holds the client up', async t => {
  const forwarder = scriptedForwarder()
  const { port } = await startEdge(t, fakeRouter(proxied, [regionAt('r', 'http://r.example')]), { forwarder })
  const client = connect(port, '127.0.0.1')
  const size = 64 * 1024 * 1024
  client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`)
  client.write(Buffer.alloc(size))
  await until(() => forwarder.request !== undefined)
  const body = forwarder.request!.body![Symbol.asyncIterator]()
  t.equal((await body.next()).done, false)
  t.ok(client.writableLength > 0, 'with one chunk taken, most of it still waits at the client')
  let received = 0
  for (let next = await body.next(); !next.done; next = await body.next()) received += next.value.byteLength
  t.ok(received > size / 2, 'and comes when it is asked for')
  forwarder.handler!.onStart(200, ['content-length', '0'])
  forwarder.handler!.onEnd([])
  const [answer] = await once(client, 'data')
  t.match(answer.toString(), /^HTTP\/1\.1 200 /)
  client.destroy()
})
