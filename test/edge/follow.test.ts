/** What the router is told of requests under way: each is counted where it is, and nowhere once it is over. */

import { connect } from 'node:net'
import t from 'tap'
import { createRouter, type LiveRouter } from '../../src/routing/router.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'
import { settings, snapshotOf, state, worldLocator } from '../support/world.ts'
import {
  curlProcess,
  refusingUrl,
  regionAt,
  ruleOf,
  startEdge,
  startOrigin,
  startRawOrigin,
  until,
} from './running-edge.ts'

/** A real router over regions at these origins, in the order of their ids. */
function routerTo(origins: Readonly<Record<string, string>>): LiveRouter {
  const router = createRouter({ ...settings, rules: [ruleOf({ transport: 'proxy', pick: 'lowest' })] }, worldLocator())
  const states = Object.entries(origins).map(([id, url]) => state(regionAt(id, url)))
  router.useSnapshot(snapshotOf(states), 0)
  return router
}

t.test('a request is counted while a region works on it, and its dispatch no more', async t => {
  let answer = (): void => {}
  const origin = await startOrigin(t, (_, response) => {
    response.write('half')
    answer = () => response.end()
  })
  const router = routerTo({ a: origin })
  const { url } = await startEdge(t, router)
  const client = curlProcess(t, url)
  await new Promise(resolve => client.stdout!.once('data', resolve))
  t.match(router.sums(0), { open: { a: 1 }, modelled: { a: 0 } })
  answer()
  await until(() => router.sums(0).open['a'] === 0)
  t.equal(router.sums(0).modelled['a'], 0)
})

t.test('failover: counted at the region that answers, and one dispatch taken back, not two', async t => {
  const router = routerTo({
    'a-dead': await refusingUrl(),
    'b-alive': await startOrigin(t, (_, response) => response.write('half')),
  })
  const ask = { address: { family: 4, w0: 0, w1: 0, w2: 0, w3: 0 }, host: 'h', path: '/', method: 'GET' } as const
  router.route(ask)
  const { url } = await startEdge(t, router)
  const client = curlProcess(t, url)
  await new Promise(resolve => client.stdout!.once('data', resolve))
  t.match(router.sums(0), { open: { 'a-dead': 0, 'b-alive': 1 }, modelled: { 'a-dead': 1, 'b-alive': 0 } })
  client.kill()
  await until(() => router.sums(0).open['b-alive'] === 0)
})

t.test('a region that leaves the fleet and comes back still has the requests that it had', async t => {
  const router = routerTo({ a: 'http://a.example', b: 'http://b.example' })
  const ask = { address: { family: 4, w0: 0, w1: 0, w2: 0, w3: 0 }, host: 'h', path: '/', method: 'GET' } as const
  const decision = router.route(ask)
  const flights = [router.follow(decision, 'a'), router.follow(decision, 'a')]
  const [a, b] = ['a', 'b'].map(id => state(regionAt(id, `http://${id}.example`)))
  router.useSnapshot(snapshotOf([b!], 2), 0)
  flights[0]!.end()
  flights[0]!.end()
  router.useSnapshot(snapshotOf([a!, b!], 3), 0)
  t.equal(router.sums(0).open['a'], 1)
  flights[1]!.end()
  t.equal(router.sums(0).open['a'], 0)
  router.follow(decision, 'gone').end()
  t.same(router.sums(0).open, { a: 0, b: 0 })
})

t.test('whatever clients and regions break off, nothing stays counted', async t => {
  const random = seededRandom(6)
  const moody = await startOrigin(t, (message, response) => {
    message.on('error', () => {})
    const mood = randomInteger(random, 5)
    if (mood === 0) message.socket.resetAndDestroy()
    else if (mood === 1) response.writeHead(200, { 'content-length': 10 }).write('half', () => message.socket.destroy())
    else if (mood === 2) message.resume().once('end', () => response.end('whole'))
    else if (mood === 3) response.writeHead(503, { 'retry-after': '1' }).end('busy')
    // The last one says nothing, until the router gives up or the client leaves.
  })
  const mute = await startRawOrigin(t, socket => socket.once('data', () => socket.end()))
  const router = routerTo({ 'a-dead': await refusingUrl(), 'b-moody': moody, 'c-mute': mute })
  const { edge, port, dispatches, finishes, faults } = await startEdge(t, router, {
    timeouts: { firstByteMs: 200 },
  })
  const clients = 300
  const one = (): Promise<void> =>
    new Promise(resolve => {
      const socket = connect(port, '127.0.0.1')
      const method = ['GET', 'PUT', 'POST'][randomInteger(random, 3)]!
      const sent = randomInteger(random, 100_001)
      const leavesAfter = randomInteger(random, 4)
      socket.on('error', () => {})
      socket.on('close', () => resolve())
      socket.on('data', () => {
        if (leavesAfter === 1) socket.resetAndDestroy()
      })
      socket.write(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n`)
      socket.write(Buffer.alloc(sent), () => {
        if (leavesAfter === 0) socket.resetAndDestroy()
        if (sent < 100_000) socket.end()
      })
    })
  for (let done = 0; done < clients; done += 30) await Promise.all(Array.from({ length: 30 }, one))
  t.equal(await edge.close(30_000), 0, 'everything ends by itself')
  const { open, modelled } = router.sums(0)
  t.same(open, { 'a-dead': 0, 'b-moody': 0, 'c-mute': 0 })
  t.same(modelled, { 'a-dead': 0, 'b-moody': 0, 'c-mute': 0 })
  t.ok(dispatches.length > clients, `${dispatches.length} tries for ${clients} requests`)
  t.equal(finishes.length, dispatches.length)
  t.same(faults, [])
})
