/** Regions that answer "busy": who is asked instead, what the client gets, and what the router is told. */

import type { RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import { refusalMs } from '../../src/edge/refusal.ts'
import { createRouter, type LiveRouter } from '../../src/routing/router.ts'
import { settings, snapshotOf, state, worldLocator } from '../support/world.ts'
import {
  bodyOf,
  curl,
  fakeRouter,
  refusingUrl,
  regionAt,
  ruleOf,
  startEdge,
  startOrigin,
  until,
} from './running-edge.ts'

const proxied = ruleOf({ transport: 'proxy' })

const busy =
  (status: number, fields: Readonly<Record<string, string>> = {}, body = 'busy'): RequestListener =>
  (message, response) => {
    message.resume().once('end', () => response.writeHead(status, fields).end(body))
  }

const echoBody: RequestListener = async (message, response) =>
  response.end(`${message.method} ${await bodyOf(message)}`)

t.test('how long a region wants to be spared', async t => {
  const now = Date.UTC(2026, 0, 1)
  for (const [status, fields, expected, why] of [
    [200, ['Retry-After', '5'], undefined, 'no refusal'],
    [503, [], undefined, 'may mean anything'],
    [503, ['Retry-After', 'soon'], undefined, 'no time'],
    [503, ['retry-after', '5'], 5_000, 'seconds'],
    [503, ['A', 'retry-after', 'Retry-After', ' 5 '], 5_000, 'a value is no name'],
    [503, ['Retry-After', 'Thu, 01 Jan 2026 00:00:30 GMT'], 30_000, 'a date'],
    [503, ['Retry-After', 'Wed, 31 Dec 2025 00:00:00 GMT'], 1_000, 'a date that is over'],
    [503, ['Retry-After', '0'], 1_000, 'at least a second'],
    [503, ['Retry-After', '86400'], 60_000, 'at most a minute'],
    [503, ['Retry-After', '-5'], undefined, 'no number of seconds'],
    [429, [], 1_000, 'refused without a time'],
    [429, ['Retry-After', '7'], 7_000, 'refused with one'],
  ] as const) {
    t.equal(
      refusalMs(status, fields, now, () => 0.5),
      expected,
      why,
    )
  }
  t.equal(
    refusalMs(429, ['Retry-After', '8'], now, () => 0),
    6_000,
  )
  t.equal(
    refusalMs(429, ['Retry-After', '8'], now, () => 1),
    10_000,
    'a quarter more or less',
  )
})

t.test('a refused request goes on to the next region, with its body', async t => {
  const alive = regionAt('alive', await startOrigin(t, echoBody))
  const long = 'x'.repeat(50_000)
  for (const [args, text] of [
    [[], 'GET '],
    [['--data', 'body'], 'POST body'],
    [['--data', 'body', '-H', 'Expect: 100-continue'], 'POST body'],
    [['--data', long], `POST ${long}`],
    [['-X', 'PUT', '--data', 'body', '-H', 'Transfer-Encoding: chunked'], 'PUT body'],
  ] as const) {
    for (const refusal of [busy(429), busy(503, { 'retry-after': '2' }), busy(429, {}, 'x'.repeat(500_000))]) {
      const full = regionAt('full', await startOrigin(t, refusal))
      const { url, finishes, dispatches } = await startEdge(t, fakeRouter(proxied, [full, alive]))
      const answer = await curl(...args, url)
      t.equal(answer.status, 200)
      t.ok(answer.text === text, `${answer.text.slice(0, 20)} of ${answer.text.length}`)
      t.equal(answer.headers['x-meridian-region'], 'alive')
      await until(() => finishes.length === dispatches.length)
      t.match(finishes, [
        { region: 'full', refused: true, failure: undefined, cancelled: false },
        { region: 'alive', refused: false, status: 200 },
      ])
    }
  }
})

t.test('where it cannot be sent again, or nobody is left, the client gets the refusal itself', async t => {
  const alive = await startOrigin(t, echoBody)
  const full = await startOrigin(t, busy(503, { 'retry-after': '2' }, 'come back'))
  const bare = await startOrigin(t, busy(503))
  for (const [origins, args, tries, why] of [
    [[full], [], 1, 'there is no other'],
    [[full, full], [], 2, 'the other is full as well'],
    [[full, alive], ['--data', 'x'.repeat(100_000)], 1, 'the body is too long to be kept'],
    [[bare, alive], [], 1, 'a 503 without a time may mean that something was done'],
  ] as const) {
    const regions = origins.map((origin, i) => regionAt(`r${i}`, origin))
    const { url, exchanges } = await startEdge(t, fakeRouter(proxied, regions))
    const answer = await curl(...args, url)
    t.equal(answer.status, 503, why)
    if (origins[0] === full) t.match(answer, { text: 'come back', headers: { 'retry-after': '2' } })
    await until(() => exchanges.length === 1)
    t.equal(exchanges[0]!.tries, tries, why)
  }
})

t.test('refused by one and not reached at the other: overloaded, and when to come back', async t => {
  const full = regionAt('full', await startOrigin(t, busy(429)))
  const dead = regionAt('dead', await refusingUrl())
  const { url } = await startEdge(t, fakeRouter(proxied, [full, dead]))
  const answer = await curl(url)
  t.equal(answer.status, 503)
  t.match(JSON.parse(answer.text), { code: 'OVERLOADED', detail: /^full: too busy; dead: no connection\./ })
  t.match(answer.headers['retry-after'], /^[1-5]$/)
})

async function routerTo(t: Test, origins: Readonly<Record<string, RequestListener>>): Promise<LiveRouter> {
  const router = createRouter({ ...settings, rules: [proxied] }, worldLocator())
  const states = []
  for (const [id, listener] of Object.entries(origins)) states.push(state(regionAt(id, await startOrigin(t, listener))))
  router.useSnapshot(snapshotOf(states), 0)
  router.advance(0)
  return router
}

t.test('a region that refuses is asked less and less, and clients notice nothing', async t => {
  let asked = 0
  const refusing: RequestListener = (message, response) => {
    asked++
    busy(503, { 'retry-after': '30' })(message, response)
  }
  const router = await routerTo(t, { a: refusing, b: echoBody })
  // Each client network is a key of its own.
  const { url } = await startEdge(t, router, { trusted: ['127.0.0.0/8'], header: 'x-forwarded-for' })
  const statuses = new Set<number>()
  for (let i = 0; i < 60; i++) {
    const answer = await fetch(url, { headers: { 'x-forwarded-for': `203.0.${i}.9` } })
    statuses.add(answer.status)
    await answer.text()
  }
  t.same([...statuses], [200])
  t.ok(asked > 3 && asked < 25, `${asked} of 60 were sent there first`)
  await until(() => Object.values(router.sums(0).open).every(open => open === 0))
})
