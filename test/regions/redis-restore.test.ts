/** What several routers remember of a Redis that has lost everything: the newest memory holds, and an operator's word before any. */

import t, { type Test } from 'tap'
import type { RedisStore } from '../../src/regions/redis-store.ts'
import type { StoredToken } from '../../src/regions/token-store.ts'
import { exampleRegion } from '../support/example-region.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { openRedisStore } from '../support/redis-stores.ts'

async function open(t: Test, { target }: RedisServer): Promise<RedisStore> {
  const store = openRedisStore(t, target)
  await store.join()
  await store.declare(['a', 'b', 'c'].map(id => exampleRegion(id)))
  return store
}

const tokenOf = (id: string): StoredToken => ({
  ...{ id, name: id, sha256: '0'.repeat(64), createdAt: 1 },
  ...{ rights: ['read'], regions: ['*'] },
})

/** What operators have said, as this router reads it. */
async function wordsOf(store: RedisStore) {
  const { mode, records } = await store.read()
  const drained = records.flatMap(({ region, drain }) => (drain === undefined ? [] : [`${region.id}: ${drain.reason}`]))
  return { mode, drained, tokens: (await store.tokens.list()).map(({ id }) => id) }
}

/** A later reading than all before it, by Redis' clock of whole milliseconds. */
async function readLater(store: RedisStore): Promise<void> {
  const { now } = await store.read()
  while ((await store.read()).now === now);
}

async function loseEverything(server: RedisServer, stores: readonly RedisStore[]): Promise<void> {
  await server.kill()
  await server.start()
  for (const store of stores)
    while (
      !(await store.join().then(
        () => true,
        () => false,
      ))
    );
}

t.test('what operators take back is not put back by a router that remembers it', async t => {
  for (const newest of ['the first router', 'the second router'] as const) {
    const server = await startRedis(t)
    const [one, other] = [await open(t, server), await open(t, server)]
    await one.drain('a', 'ops', 'moving out')
    await one.tokens.add(tokenOf('1'))
    await one.setMode('frozen', 'ops')
    for (const store of newest === 'the first router' ? [other, one] : [one, other]) await readLater(store)

    await loseEverything(server, [one, other])
    t.same(await wordsOf(one), { mode: 'frozen', drained: ['a: moving out'], tokens: ['1'] }, 'put back')
    await one.undrain('a')
    await one.tokens.revoke('1')
    await one.setMode('auto', 'ops')
    const taken = { mode: 'auto', drained: [], tokens: [] }
    t.same(await wordsOf(other), taken, `${newest} read last`)
    t.same(await wordsOf(one), taken)
  }
})

t.test('a router that was cut off puts back what it knew, and one that knows better mends that', async t => {
  const server = await startRedis(t)
  const [cutOff, other] = [await open(t, server), await open(t, server)]
  await other.drain('a', 'ops', 'moving out')
  await other.drain('b', 'ops', 'first')
  await other.tokens.add(tokenOf('1'))
  await other.setMode('frozen', 'ops')
  await readLater(cutOff)
  await other.undrain('a')
  await other.drain('b', 'ops', 'second')
  await other.drain('c', 'ops', 'late')
  await other.tokens.revoke('1')
  await other.tokens.add(tokenOf('2'))
  await other.setMode('distance-only', 'ops')
  await readLater(other)

  await loseEverything(server, [cutOff, other])
  t.same(await wordsOf(cutOff), { mode: 'frozen', drained: ['a: moving out', 'b: first'], tokens: ['1'] })
  const latest = { mode: 'distance-only', drained: ['b: second', 'c: late'], tokens: ['2'] }
  t.same(await wordsOf(other), latest)
  t.same(await wordsOf(cutOff), latest)
})

t.test('what is said after the return of Redis comes before every memory', async t => {
  const server = await startRedis(t)
  const [cutOff, other] = [await open(t, server), await open(t, server)]
  await other.drain('a', 'ops', 'moving out')
  await other.setMode('frozen', 'ops')
  await readLater(cutOff)
  await other.undrain('a')
  await other.drain('b', 'ops', 'remembered')
  await other.setMode('distance-only', 'ops')
  await readLater(other)

  await loseEverything(server, [cutOff, other])
  await cutOff.read()
  await cutOff.drain('a', 'ops', 'said since')
  await cutOff.drain('b', 'ops', 'said since')
  await cutOff.setMode('auto', 'ops')
  t.same(await wordsOf(other), { mode: 'auto', drained: ['a: said since', 'b: said since'], tokens: [] })
})

t.test('a Redis that has lost registrations only gets no drain back that was ended', async t => {
  const server = await startRedis(t)
  const [one, other] = [await open(t, server), await open(t, server)]
  await one.register(exampleRegion('d'))
  await one.drain('a', 'ops', 'moving out')
  await one.read()
  await other.undrain('a')
  server.cli('DEL', '{meridian:test}:regions')
  t.same((await wordsOf(one)).drained, [])
})
