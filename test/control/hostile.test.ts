/** Hostile calls over a real listener: all refused, nothing changed, no secret shown, and everybody else served meanwhile. */

import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { pino } from 'pino'
import t from 'tap'
import { createAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import { controlWorld, token } from '../support/control.ts'
import { type HostileCall, hostileCalls, scopedToken, secrets, victim, wideToken } from './hostile-calls.ts'

const access = {
  tokens: [token(scopedToken, ['report'], ['edge-*'], 'edge'), token(wideToken, ['report'], ['*'], 'wide')],
  openReading: true,
}

/** Sends the bytes and reads until the other side ends, however it ends. */
async function send(port: number, { bytes }: HostileCall): Promise<{ status: number; text: string }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  // Who is refused before its last byte is read finds the connection closed.
  socket.on('error', () => {})
  socket.write(bytes)
  await once(socket, 'close')
  return { status: Number(text.split(' ', 2)[1]), text }
}

t.test('every hostile call is refused, and leaves no trace but in the audit log', async t => {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: line => lines.push(line) })
  const { app, store, refresh } = await controlWorld({
    access,
    allowedEndpoints: createAllowedEndpoints(['*.example.com', '10.20.0.0/16']),
    log,
  })
  t.teardown(() => app.close())
  await store.register({ ...(await store.read()).records[0]!.region, id: victim })
  await store.heartbeat(victim, { epoch: 1, sequence: 5, inflight: 7 })
  await refresh()
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const before = await store.read()

  t.ok(hostileCalls.length >= 200, `${hostileCalls.length} calls`)
  t.equal(new Set(hostileCalls.map(({ bytes }) => bytes)).size, hostileCalls.length, 'no two are the same')
  const leaks = (text: string) => secrets.some(secret => text.includes(secret))
  for (const call of hostileCalls) {
    const { status, text } = await send(port, call)
    t.ok(
      call.statuses.includes(status),
      `${call.kind}: ${call.name.slice(0, 80)} is answered ${status} (${call.statuses})`,
    )
    // The path of a request stands in its answer, for the one who sent it.
    if (!call.name.includes('in the query')) t.notOk(leaks(text), `${call.name.slice(0, 80)}: no secret in the answer`)
  }
  t.same(await store.read(), before, 'nothing has changed')
  t.same(await store.tokens.list(), [])
  t.notOk(leaks(lines.join('')), 'no secret in the log')
  const entries = await store.audit.latest(10_000)
  t.notOk(leaks(JSON.stringify(entries)), 'nor in the audit log')
  t.ok(entries.length > 0, 'what was tried by somebody known is written down')
  t.ok(
    entries.every(({ who, outcome }) => ['edge', 'wide'].includes(who) && outcome !== 'done'),
    'and nothing else',
  )
})

t.test('hostile calls slow nobody else: a rate of their own, and theirs alone', async t => {
  const { app, clock } = await controlWorld({ access: { ...access, rateLimit: { perSecond: 10, burst: 20 } } })
  t.teardown(() => app.close())
  const call = (bearer?: string) =>
    app.inject({
      method: 'POST',
      url: `/v1/regions/${victim}/heartbeat`,
      payload: { epoch: 1, sequence: 1 },
      ...(bearer !== undefined && { headers: { authorization: `Bearer ${bearer}` } }),
    })
  for (let i = 0; i < 20; i++) t.equal((await call('forged-secret')).statusCode, 401)
  const refused = await call()
  t.equal(refused.statusCode, 429)
  t.equal(refused.headers['retry-after'], '1')
  t.match(refused.json(), { code: 'RATE_LIMITED' })
  t.equal((await call(wideToken)).statusCode, 404, 'a token has a bucket of its own')
  for (let i = 0; i < 19; i++) await call(wideToken)
  t.equal((await call(wideToken)).statusCode, 429)
  t.equal((await call(scopedToken)).statusCode, 403, 'each')
  clock.advance(100)
  t.equal((await call(wideToken)).statusCode, 404, 'and one call more after a tenth of a second')
  t.equal((await call(wideToken)).statusCode, 429)
})
