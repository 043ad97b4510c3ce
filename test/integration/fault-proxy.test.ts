/** The proxy that spoils connections does what it says: a trial is worth no more than its faults. */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { listen } from '../support/http-region.ts'

async function startEcho(t: Test) {
  const server = createServer(socket => void socket.on('error', () => {}).pipe(socket))
  const place = await listen(t, server)
  const proxy = await startFaultProxy(t, Number(place.split(':')[1]))
  const open = async (): Promise<Socket> => {
    const socket = connect(proxy.port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  return { proxy, open }
}

/** Until so many bytes have come back. */
async function read(socket: Socket, length: number): Promise<string> {
  let text = ''
  while (text.length < length) text += (await once(socket, 'data'))[0]
  return text
}

t.test('passes on what comes, both ways', async t => {
  const { open } = await startEcho(t)
  const socket = await open()
  socket.write('hello')
  t.equal(await read(socket, 5), 'hello')
})

t.test('cuts what is open and what is new, until it is healed', async t => {
  const { proxy, open } = await startEcho(t)
  const socket = await open()
  socket.write('a')
  await read(socket, 1)
  const reset = once(socket, 'error')
  proxy.cut()
  t.match(await reset, [{ code: 'ECONNRESET' }])
  const late = connect(proxy.port, '127.0.0.1')
  t.match(await once(late, 'error').catch(error => [error]), [{ code: 'ECONNRESET' }])
  proxy.heal()
  const healed = await open()
  healed.write('b')
  t.equal(await read(healed, 1), 'b')
})

t.test('stalls old and new connections, and loses nothing', async t => {
  const { proxy, open } = await startEcho(t)
  const { open: openOther } = await startEcho(t)
  const [old, other] = [await open(), await openOther()]
  proxy.stall()
  const fresh = await open()
  let passed = ''
  for (const socket of [old, fresh]) {
    socket.on('data', piece => {
      passed += piece
    })
  }
  old.write('a')
  fresh.write('b')
  // What goes another way shows that there was time enough.
  for (let turn = 0; turn < 20; turn++) {
    other.write('c')
    await read(other, 1)
  }
  t.equal(passed, '')
  const both = Promise.all([once(old, 'data'), once(fresh, 'data')])
  proxy.heal()
  await both
  t.same([...passed].sort(), ['a', 'b'])
})

t.test('delays each direction, in order, and lets nothing overtake when the delay ends', async t => {
  const { proxy, open } = await startEcho(t)
  const socket = await open()
  socket.write('0')
  await read(socket, 1)
  proxy.delay(60)
  const since = performance.now()
  socket.write('1')
  t.equal(await read(socket, 1), '1')
  t.ok(performance.now() - since >= 119, 'there and back')
  for (const digit of '234') socket.write(digit)
  proxy.heal()
  for (const digit of '567') socket.write(digit)
  t.equal(await read(socket, 6), '234567')
})
