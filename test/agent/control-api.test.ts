/** The control API as an agent sees it, over real sockets: who is asked, what is final, and what is not shown. */

import type { RequestListener, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { createControlApi } from '../../src/agent/control-api.ts'
import { machine } from '../../src/agent/surroundings.ts'
import { createFakeClock } from '../support/clocks.ts'
import { closedPort, startHttpRegion } from '../support/http-region.ts'
import { createRecorder } from '../support/recorder.ts'

const json =
  (status: number, body: object, headers = {}) =>
  (_request: unknown, response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const refusal = json(403, { code: 'TOKEN_REFUSED', detail: 'no right' })

async function apiOf(t: Test, answers: readonly RequestListener[]) {
  const asked: number[] = []
  const servers = await Promise.all(
    answers.map((answer, index) =>
      startHttpRegion(t, (request, response) => {
        asked.push(index)
        answer(request, response)
      }),
    ),
  )
  const urls = servers.map(({ url }) => new URL(url))
  return { asked, api: createControlApi({ urls, token: () => undefined, ...machine }), urls, servers }
}

t.test('one answer', async t => {
  for (const [why, answer, expected] of [
    ['an object', json(200, { epoch: 1 }), { kind: 'done', value: { epoch: 1 } }],
    ['nothing to say', (_, response) => void response.writeHead(204).end(), { kind: 'done' }],
    ['a refusal', refusal, { kind: 'refused', error: { code: 'TOKEN_REFUSED', message: 'no right' }, retryAfterMs: 0 }],
    [
      'a refusal for now',
      json(429, { code: 'TOKEN_REFUSED', detail: 'slower' }, { 'retry-after': '3' }),
      { kind: 'refused', retryAfterMs: 3_000 },
    ],
    [
      'a wait that is longer than any lease',
      json(429, { code: 'TOKEN_REFUSED', detail: 'slower' }, { 'retry-after': '99999' }),
      { kind: 'refused', retryAfterMs: 60_000 },
    ],
    ['a fault', json(503, { code: 'INTERNAL', detail: 'no store' }), { kind: 'unreachable', detail: /: no store$/ }],
    [
      'another program',
      json(404, { error: 'what?' }),
      { kind: 'unreachable', detail: /status 404.*not the control API/ },
    ],
    [
      'an unknown code',
      json(400, { code: 'toString', detail: 'x' }),
      { kind: 'unreachable', detail: /not the control API/ },
    ],
    ['a page', (_, response) => void response.end('<html>'), { kind: 'unreachable', detail: /not the control API/ }],
    ['a redirect', json(307, {}, { location: '/x' }), { kind: 'unreachable', detail: /status 307/ }],
    ['a cut', (_, response) => void response.destroy(), { kind: 'unreachable', detail: /connection closed/ }],
    [
      'a flood',
      (_, response) => void response.end(Buffer.alloc(300 * 1024, 32)),
      { kind: 'unreachable', detail: /longer than 256 KiB/ },
    ],
    ['no text', (_, response) => void response.end(Buffer.from([0xff])), { kind: 'unreachable', detail: /not UTF-8/ }],
  ] satisfies [string, RequestListener, object][]) {
    const { api } = await apiOf(t, [answer])
    t.match(await api.call('GET', 'v1/x'), expected, why)
  }
})

t.test('of several routers the one that answers is kept', async t => {
  const fault = json(500, { code: 'INTERNAL', detail: 'broken' })
  let first: RequestListener = fault
  let second: RequestListener = json(200, { from: 2 })
  const { api, asked, urls } = await apiOf(t, [
    (...exchange) => first(...exchange),
    (...exchange) => second(...exchange),
  ])
  t.match(await api.call('GET', 'a'), { value: { from: 2 } })
  first = json(200, { from: 1 })
  t.match(await api.call('GET', 'a'), { value: { from: 2 } }, 'though the first would answer again')
  t.same(asked, [0, 1, 1])
  t.equal(api.current.href, urls[1]!.href)
  second = fault
  t.match(await api.call('GET', 'a'), { value: { from: 1 } })
  second = json(200, { from: 2 })
  first = refusal
  t.match(await api.call('GET', 'a'), { kind: 'refused' }, 'a refusal is final: no other router is asked')
  t.same(asked, [0, 1, 1, 1, 0, 0])
})

t.test('all are named when none answers', async t => {
  const urls = [new URL(`http://${await closedPort()}/a/`), new URL(`http://${await closedPort()}`)]
  const api = createControlApi({ urls, token: () => undefined, ...machine })
  const reply = await api.call('PUT', 'v1/x', {})
  t.match(reply, {
    kind: 'unreachable',
    detail: `${urls[0]!.href}: connection refused; ${urls[1]!.href}: connection refused`,
  })
})

t.test('a router that hangs is left after three seconds', async t => {
  const asked = createRecorder<number>()
  const hangs = await startHttpRegion(t, () => asked.note(1))
  const answers = await startHttpRegion(t, json(200, { from: 2 }))
  const clock = createFakeClock()
  const urls = [new URL(hangs.url), new URL(answers.url)]
  const api = createControlApi({ ...machine, urls, token: () => undefined, clock })
  const reply = api.call('GET', 'a')
  await asked.until(({ length }) => length === 1)
  clock.advance(3_000)
  t.match(await reply, { value: { from: 2 } })
  t.equal(clock.pending, 0, 'no timer is left')
})

t.test('what is sent: path below the base URL, body, and the token of the moment', async t => {
  const seen: unknown[] = []
  const { url } = await startHttpRegion(t, (request, response) => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      seen.push([request.method, request.url, request.headers.authorization, request.headers['content-type'], body])
      response.writeHead(204).end()
    })
  })
  let token: string | undefined
  const api = createControlApi({ ...machine, urls: [new URL(`${url}/meridian`)], token: () => token })
  await api.call('DELETE', 'v1/regions/a')
  token = 'one'
  await api.call('PUT', 'v1/regions/a', { id: 'a' })
  token = 'two'
  await api.call('POST', 'v1/regions/a/drain')
  t.same(seen, [
    ['DELETE', '/meridian/v1/regions/a', undefined, undefined, ''],
    ['PUT', '/meridian/v1/regions/a', 'Bearer one', 'application/json', '{"id":"a"}'],
    ['POST', '/meridian/v1/regions/a/drain', 'Bearer two', undefined, ''],
  ])
})
