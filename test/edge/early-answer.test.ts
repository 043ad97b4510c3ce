/** Answers that are complete before the request's body is: what becomes of the rest, of the client and its connection. */

import { once } from 'node:events'
import { truncateSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import {
  bodyOf,
  curl,
  fakeRouter,
  regionAt,
  ruleOf,
  sendRaw,
  startEdge,
  startOrigin,
  startRawOrigin,
  until,
} from './running-edge.ts'

const uploadBytes = 200_000_000

/** A sparse file: as long as an upload of video, without its weight. */
function uploadFile(t: Test): string {
  const file = join(t.testdir({}), 'upload')
  writeFileSync(file, '')
  truncateSync(file, uploadBytes)
  return file
}

async function startProxy(t: Test, handler: RequestListener, settings = {}) {
  const origin = await startOrigin(t, handler)
  return startEdge(t, fakeRouter(ruleOf({ transport: 'proxy' }), [regionAt('fra', origin)]), { settings })
}

const early: Readonly<Record<string, readonly [number, RequestListener]>> = {
  'a region that answers 200 and reads nothing': [200, (_, response) => response.end('{"ok":true}')],
  'a region that answers 200 in chunks': [
    200,
    (_, response) => {
      response.write('{"ok":')
      response.end('true}')
    },
  ],
  'a region that answers 413 and reads nothing': [413, (_, response) => response.writeHead(413).end('too large')],
}

for (const [name, [status, handler]] of Object.entries(early)) {
  t.test(`${name}: the client ends its upload and has the answer`, async t => {
    const { url, exchanges } = await startProxy(t, handler)
    const file = uploadFile(t)
    for (const args of [[], ['-H', 'Connection: close'], ['-H', 'Transfer-Encoding: chunked'], ['-H', 'Expect:']]) {
      const answer = await curl(...args, '--max-time', '20', '-T', file, `${url}/upload`)
      t.equal(answer.exit, 0, args.join(' '))
      t.equal(answer.status, status)
    }
    t.match(
      exchanges,
      exchanges.map(() => ({ status, whole: true })),
    )
  })
}

const local: Readonly<Record<string, readonly [number, Parameters<typeof fakeRouter>]>> = {
  'a redirect': [307, [ruleOf({}), [regionAt('fra', 'http://127.0.0.1:1')]]],
  'a decision': [200, [ruleOf({ transport: 'decide' }), [regionAt('fra', 'http://127.0.0.1:1')]]],
  'no region': [503, [ruleOf({ transport: 'proxy' }), []]],
}

for (const [name, [status, route]] of Object.entries(local)) {
  t.test(`${name}: an upload gets its answer, and is never reset`, async t => {
    const { url } = await startEdge(t, fakeRouter(...route))
    const file = uploadFile(t)
    for (const args of [[], ['-H', 'Connection: close'], ['-H', 'Transfer-Encoding: chunked'], ['-H', 'Expect:']]) {
      const answer = await curl(...args, '--max-time', '20', '-T', file, `${url}/upload`)
      t.equal(answer.exit, 0, args.join(' '))
      t.equal(answer.status, status)
    }
  })
}

t.test('after an early answer the connection serves the next request, and no region gets half of two', async t => {
  const seen: number[] = []
  const { port } = await startProxy(t, async (message, response) => {
    if (message.url === '/early') response.end('early')
    else {
      seen.push((await bodyOf(message)).length)
      response.end('late')
    }
  })
  const socket = connect(port, '127.0.0.1').setEncoding('latin1')
  t.teardown(() => socket.destroy())
  let heard = ''
  socket.on('data', text => {
    heard += text
  })
  for (const [path, bytes, answer] of [
    ['/early', 30_000_000, 'early'],
    ['/late', 200_000, 'late'],
    ['/early', 30_000_000, 'early'],
    ['/late', 0, 'late'],
  ] as const) {
    heard = ''
    socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`)
    const written = new Promise(resolve => socket.write(Buffer.alloc(bytes), resolve))
    await until(() => heard.endsWith(`\r\n\r\n${answer}`))
    await written
  }
  t.same(seen, [200_000, 0])
})

t.test('a region that resets after its early answer still gets it through', async t => {
  const origin = await startRawOrigin(t, socket => {
    socket.once('data', () => {
      socket.pause()
      socket.end('HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch')
    })
  })
  const { url } = await startEdge(t, fakeRouter(ruleOf({ transport: 'proxy' }), [regionAt('fra', origin)]))
  const answer = await curl('--max-time', '20', '-T', uploadFile(t), url)
  t.match(answer, { exit: 0, status: 413, text: 'much' })
})

/** Sends a request whose body never ends, as fast as it is taken. @returns what came back, and the error that ended it */
async function flood(port: number, head: string): Promise<{ answer: string; error?: string }> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const chunk = Buffer.alloc(65_536)
  const send = (): void => {
    while (socket.writable && socket.write(chunk));
  }
  let answer = ''
  let error: string | undefined
  socket.setEncoding('latin1').on('data', text => {
    answer += text
  })
  socket.on('error', (reason: NodeJS.ErrnoException) => {
    error = reason.code
  })
  socket.on('drain', send)
  socket.write(head)
  send()
  await once(socket, 'end').catch(() => {})
  socket.destroy()
  return { answer, ...(error !== undefined && { error }) }
}

t.test('a body without end: the answer is read, the end of the connection seen, no reset', async t => {
  const { port: proxying } = await startProxy(t, (_, response) => response.end('early'), { lingerMs: 200 })
  const { port: redirecting } = await startEdge(t, fakeRouter(...local['a redirect']![1]), {
    settings: { lingerMs: 200 },
  })
  const endless = 'Host: a\r\nContent-Length: 999999999999\r\n'
  for (const [port, status] of [
    [proxying, 200],
    [redirecting, 307],
  ] as const) {
    for (const more of ['', 'Connection: close\r\n', 'Expect: 100-continue\r\n']) {
      const { answer, error } = await flood(port, `POST /x HTTP/1.1\r\n${endless}${more}\r\n`)
      t.match(answer, `HTTP/1.1 ${status} `, `${status} ${more}`)
      t.equal(error, undefined)
    }
  }
})

t.test('header fields without end: the refusal is read all the same', async t => {
  const { port } = await startEdge(t, fakeRouter(...local['a redirect']![1]), { settings: { lingerMs: 200 } })
  const { answer, error } = await flood(port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}`)
  t.match(answer, /^HTTP\/1\.1 431 [\s\S]*HEADERS_TOO_LARGE/)
  t.equal(error, undefined)
})

t.test('a client that neither sends the rest nor leaves is left', async t => {
  const { port } = await startEdge(t, fakeRouter(...local['a redirect']![1]), { settings: { lingerSilenceMs: 100 } })
  for (const more of ['', 'Connection: close\r\n']) {
    t.match(await sendRaw(port, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n${more}\r\nx`), /^HTTP\/1\.1 307 /)
  }
})

t.test('closing waits for no connection but until the rest of its body is in', async t => {
  const { port, edge, exchanges } = await startEdge(t, fakeRouter(...local['a redirect']![1]), {
    settings: { lingerMs: 600_000, lingerSilenceMs: 600_000 },
  })
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx')
  await until(() => exchanges.length === 1)
  const closed = edge.close(60_000)
  socket.resume().write('y')
  t.equal(await closed, 0)
})
