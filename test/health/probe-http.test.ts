import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { Clock } from '../../src/clock.ts'
import { probeHttp } from '../../src/health/probe-http.ts'
import type { ProbeOutcome } from '../../src/health/probe-state.ts'
import { createFakeClock, realClock } from '../support/clocks.ts'
import { closedPort, listen, startHttpRegion } from '../support/http-region.ts'

const longMs = 60_000
const unanswered = (reason: string): ProbeOutcome => ({ ok: false, reason })

t.test('what a region answers, and what the probe makes of it', async t => {
  const { url } = await startHttpRegion(t, answerByPath)
  for (const [path, expected] of [
    ['/200', { ok: true }],
    ['/204', unanswered('answered 204 instead of 200')],
    ['/302', unanswered('answered 302 instead of 200')],
    ['/503', unanswered('answered 503 instead of 200')],
    ['/endless', { ok: true }],
    ['/cut', unanswered('connection closed without a full answer')],
    ['/reset', unanswered('connection closed without a full answer')],
  ] as const) {
    t.same(await probe(url, path), expected, path)
  }
  t.same(await probe(url, '/204', { status: 204 }), { ok: true }, 'the region says which status is well')
  t.same(await probe(url.replace('http:', 'https:'), '/200'), unanswered('TLS handshake failed'))
})

t.test('where nothing answers, or no HTTP', async t => {
  const garbage = await listen(
    t,
    createServer(socket =>
      socket
        .on('error', () => {})
        .resume()
        .end('SSH-2.0-x\r\n'),
    ),
  )
  t.same(await probe(`http://${await closedPort()}`, '/'), unanswered('connection refused'))
  t.same(await probe(`http://${garbage}`, '/'), unanswered('answered something that is not HTTP'))
  // A name that no resolver can be asked for: a label of more than 63 characters.
  t.same(await probe(`http://${'a'.repeat(64)}.invalid`, '/'), unanswered('name not found'))
})

t.test('a timeout says how far the probe had come', async t => {
  const clock = createFakeClock()
  const { url } = await startHttpRegion(t, async ({ url }, response) => {
    if (url === '/stalls-in-the-body') {
      await new Promise(resolve => response.write('a body that does not end', resolve))
      // Now it lies in the client's socket, and a few turns of the event loop later the client has read it.
      for (let turn = 0; turn < 10; turn++) await nextTurn()
    }
    clock.advance(2_000)
  })
  const timeouts = { timeoutMs: 2_000, clock }
  t.same(await probe(url, '/silent', timeouts), unanswered('no answer within 2 s'))
  t.same(await probe(url, '/stalls-in-the-body', timeouts), unanswered('answered 200, but did not end within 2 s'))
  // Over before a socket can be connected, which takes at least a turn of the event loop.
  const connecting = probe(url, '/silent', timeouts)
  clock.advance(2_000)
  t.same(await connecting, unanswered('connect timeout'))
})

t.test('every probe makes a connection of its own, asks once, and leaves nothing open', async t => {
  const requests: string[] = []
  let connections = 0
  const { url, server } = await startHttpRegion(t, (request, response) => {
    requests.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers.connection}`)
    response.end('well')
  })
  const closed: Promise<void>[] = []
  server.on('connection', socket => {
    connections++
    closed.push(new Promise(resolve => socket.once('close', () => resolve())))
  })
  const clock = createFakeClock()
  for (let i = 0; i < 3; i++) await probe(url, '/healthz?deep=1', { clock })
  await Promise.all(closed)
  t.equal(connections, 3)
  t.same(requests, Array(3).fill(`GET /healthz?deep=1 ${url.slice('http://'.length)} close`))
  t.equal(clock.pending, 0, 'no timer either')
})

t.test('a probe can be ended early', async t => {
  const abort = new AbortController()
  const { url } = await startHttpRegion(t, () => abort.abort())
  const target = { origin: url, path: '/', status: 200 }
  t.equal((await probeHttp(target, longMs, createFakeClock(), abort.signal)).ok, false)
})

function answerByPath({ url, socket }: IncomingMessage, response: ServerResponse): void {
  switch (url) {
    case '/302':
      response.writeHead(302, { location: '/200' }).end()
      return
    case '/endless':
      sendEndlessly(response)
      return
    case '/cut':
      response.writeHead(200, { 'content-length': 10 })
      response.write('12345', () => response.destroy())
      return
    case '/reset':
      socket.destroy()
      return
    default:
      response.writeHead(Number(url?.slice(1))).end()
  }
}

function sendEndlessly(response: ServerResponse): void {
  while (response.write(Buffer.alloc(16 * 1024)));
  response.once('drain', () => sendEndlessly(response))
}

function probe(
  origin: string,
  path: string,
  { status = 200, timeoutMs = longMs, clock = realClock }: { status?: number; timeoutMs?: number; clock?: Clock } = {},
): Promise<ProbeOutcome> {
  return probeHttp({ origin, path, status }, timeoutMs, clock, new AbortController().signal)
}
