/** Events as a client reads them: over a real connection, resumed, bounded, and ended with the router. */

import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { bearer, type ControlWorldOptions, controlWorld, token } from '../support/control.ts'
import { follow } from '../support/event-stream.ts'
import { exampleRegion } from '../support/example-region.ts'

async function listen(t: Test, options: ControlWorldOptions = {}) {
  const world = await controlWorld(options)
  await world.app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => world.app.close())
  const { port } = world.app.server.address() as AddressInfo
  return { ...world, url: `http://127.0.0.1:${port}/v1/events`, port }
}

t.test('what happens is told, and load reports are not', async t => {
  const { url, store } = await listen(t)
  const { response, seen, until } = await follow(t, url)
  t.match(response.headers.get('content-type'), /^text\/event-stream/)
  await until(events => events.length === 1)
  const { epoch } = await store.register(exampleRegion('a'))
  await store.heartbeat('a', { epoch, sequence: 1 })
  await store.drain('a', 'ops', '')
  await store.setMode('frozen', 'ops')
  await until(events => events.length === 4)
  t.match(seen.slice(1), [
    { event: 'registered', data: '{"kind":"registered","region":"a"}' },
    { event: 'draining', data: '{"kind":"draining","region":"a"}' },
    { event: 'mode', data: '{"kind":"mode","mode":"frozen","by":"ops"}' },
  ])
  t.equal(new Set(seen.map(({ id }) => id)).size, 4, 'each with an id')
})

t.test('a client that comes back gets what it missed, or is told to read anew', async t => {
  const { url, store } = await listen(t)
  const first = await follow(t, url)
  await store.register(exampleRegion('a'))
  await first.until(events => events.length === 2)
  first.stop.abort()
  await first.ended
  const last = first.seen.at(-1)!['id']!
  await store.register(exampleRegion('b'))
  await store.register(exampleRegion('c'))
  const second = await follow(t, url, { 'last-event-id': last })
  await second.until(events => events.length === 2)
  t.same(
    second.seen.map(({ data }) => JSON.parse(data!).region),
    ['b', 'c'],
  )
  for (let i = 0; i < 600; i++) await store.setMode(i % 2 === 0 ? 'frozen' : 'auto', 'ops')
  for (const id of [last, 'another-life', '0-1', `${last.split('-')[0]}-999999`, 'x']) {
    const late = await follow(t, url, { 'last-event-id': id })
    await late.until(events => events.length === 1)
    t.match(late.seen, [{ event: 'reset' }], id)
  }
})

t.test('who may not read hears nothing', async t => {
  const { url } = await listen(t, { access: { tokens: [token('reader', ['read'])], openReading: false } })
  t.equal((await fetch(url)).status, 401)
  const { response } = await follow(t, url, bearer('reader'))
  t.equal(response.status, 200)
  t.equal((await fetch(url, { method: 'HEAD', headers: bearer('reader') })).status, 405, 'a stream has no head alone')
})

t.test('a keep-alive finds those who are no longer welcome', async t => {
  const { url, store, app, clock } = await listen(t, { access: { tokens: [], openReading: false } })
  await app.ready()
  const { sha256 } = token('short-lived', ['read'])
  await store.tokens.add({
    id: 'x',
    name: 'x',
    sha256,
    rights: ['read'],
    regions: ['*'],
    createdAt: 0,
    expiresAt: 20_000,
  })
  const { until, ended, seen } = await follow(t, url, bearer('short-lived'))
  clock.advance(15_000)
  await until(events => events.length === 2)
  t.match(seen.at(-1), { '': 'keep-alive' })
  clock.advance(15_000)
  await ended
  t.pass('cut when its token had expired')
})

t.test('a token that lost its place in the configuration, or a right, hears no more', async t => {
  for (const rights of [[], ['report']] as const) {
    const { url, app, clock } = await listen(t, { access: { tokens: [token('x', ['read'])], openReading: false } })
    const { until, ended } = await follow(t, url, bearer('x'))
    await until(events => events.length === 1)
    app.useAccess({ tokens: rights.length === 0 ? [] : [token('x', [...rights])], openReading: false })
    clock.advance(15_000)
    await ended
  }
  t.pass('cut')
})

t.test('listeners are bounded, and one that does not read is cut', async t => {
  const { port, url, store } = await listen(t)
  const sockets: Socket[] = []
  t.teardown(() => sockets.forEach(socket => void socket.destroy()))
  for (let i = 0; i < 64; i++) {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.write('GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await once(socket, 'data')
    socket.pause()
  }
  const refused = await fetch(url)
  t.equal(refused.status, 503)
  t.match(await refused.json(), { code: 'EVENTS_BUSY' })
  const by = 'x'.repeat(60_000)
  const closed = sockets.map(socket => once(socket, 'close'))
  for (const socket of sockets) socket.on('error', () => {})
  // Far more than all buffers on the way can take.
  for (let i = 0; i < 400; i++) {
    await store.setMode(i % 2 === 0 ? 'frozen' : 'auto', by)
    await new Promise(setImmediate)
  }
  for (const socket of sockets) socket.resume()
  await Promise.all(closed)
  t.equal((await follow(t, url)).response.status, 200, 'there is room again')
})

t.test('the router does not wait for listeners when it stops', async t => {
  const { url, app } = await listen(t)
  const { ended } = await follow(t, url)
  await app.close()
  await ended
  t.pass('the stream has ended')
})
