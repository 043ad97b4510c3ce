/** The shared store behind real Sentinels: it follows them to the master, and says what is wrong with them. */

import t from 'tap'
import type { RedisTarget } from '../../src/regions/redis-connection.ts'
import { eventually } from '../support/eventually.ts'
import { exampleRegion } from '../support/example-region.ts'
import { startRedisSentinels } from '../support/redis-sentinels.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { openRedisStore, outcomeOf } from '../support/redis-stores.ts'

const done = (outcome: string): boolean => outcome === 'done'

t.test('when the master dies or hangs, its replica goes on with all that was registered', async t => {
  for (const [what, fail] of [
    ['dies', (master: RedisServer) => master.kill()],
    ['hangs', async (master: RedisServer) => master.pause()],
  ] as const) {
    const { target, master } = await startRedisSentinels(t)
    const store = openRedisStore(t, { ...target, timeoutMs: 300 })
    const other = openRedisStore(t, target)
    await Promise.all([store.join(), other.join()])
    const { epoch } = await store.register(exampleRegion('a'))
    await store.register(exampleRegion('b'))
    await store.drain('b', 'ops', 'moving out')
    await store.setMode('distance-only', 'ops')
    const { incarnation } = await store.read()
    t.equal(master.cli('WAIT', '1', '10000'), '1', 'the replica has it all')
    await fail(master)
    t.equal(await outcomeOf(store.register(exampleRegion('c'))), 'STORE_UNAVAILABLE', what)
    await eventually(() => outcomeOf(store.heartbeat('a', { epoch, sequence: 1 })), done)
    t.match(
      await store.read(),
      {
        incarnation,
        mode: 'distance-only',
        records: [
          { region: { id: 'a' }, load: { sequence: 1 } },
          { region: { id: 'b' }, drain: { by: 'ops' } },
        ],
      },
      what,
    )
    let heard = 0
    other.watch(() => heard++)
    await eventually(
      async () => {
        await outcomeOf(store.setMode('frozen', 'ops'))
        await outcomeOf(store.setMode('auto', 'ops'))
        // As a router does every second: it proves the connection for events.
        await outcomeOf(other.read())
        return heard
      },
      count => count > 0,
    )
    t.pass(`${what}: and everybody hears events again`)
  }
})

t.test('where the others are is known from one Sentinel', async t => {
  const { target, master, sentinelPorts } = await startRedisSentinels(t)
  const at = target.at as Extract<RedisTarget['at'], { kind: 'sentinels' }>
  const store = openRedisStore(t, { ...target, at: { ...at, nodes: at.nodes.slice(0, 1) } })
  t.same(store.nodes(), at.nodes.slice(0, 1))
  await store.join()
  const ports = new Set(store.nodes().map(({ port }) => port))
  t.same(ports, new Set([...sentinelPorts, master.port]))
})

t.test('without a Sentinel a router hears so at once, and joins when they come', async t => {
  const { target, startSentinels } = await startRedisSentinels(t, { later: true })
  const store = openRedisStore(t, target)
  await t.rejects(store.join(), { code: 'STORE_UNAVAILABLE', message: /failed to connect to sentinel/ })
  await t.rejects(store.read(), { code: 'STORE_UNAVAILABLE' })
  await startSentinels()
  await eventually(() => outcomeOf(store.read()), done)
})

t.test('a Sentinel that hangs does not hold up the others', async t => {
  const { target, sentinels } = await startRedisSentinels(t)
  sentinels[0]!.kill('SIGSTOP')
  const store = openRedisStore(t, { ...target, timeoutMs: 300 })
  await eventually(() => outcomeOf(store.read()), done)
})

t.test('Sentinels with a password, and what is wrong with others', async t => {
  const { target, master } = await startRedisSentinels(t, { password: 's3cret' })
  const sentinelsWith = (more: object) => ({ ...target, at: { ...target.at, ...more } }) as RedisTarget
  const store = openRedisStore(t, target)
  await store.join()
  for (const [what, more, reason] of [
    ['no password', { password: undefined }, /NOAUTH.*redis\.sentinelPassword/],
    ['another password', { password: 'guess' }, /WRONGPASS.*redis\.sentinelPassword/],
    ['another name', { name: 'other' }, /redis\.sentinelName/],
    ['no Sentinel', { nodes: [{ host: '127.0.0.1', port: master.port }], password: undefined }, /redis\.url/],
  ] as const) {
    const refused = openRedisStore(t, sentinelsWith(more))
    const error = (await refused.join().catch(error => error)) as { code: string; message: string }
    t.match(error, { code: 'STORE_UNSUITABLE', message: reason }, what)
    t.notMatch(String(error), /s3cret|guess/, 'without the password')
  }
})
