/** The shared store on a real Cluster: one slot for a fleet, on whichever node that is. */

import t from 'tap'
import type { FleetEvent } from '../../src/regions/store.ts'
import { eventually } from '../support/eventually.ts'
import { exampleRegion } from '../support/example-region.ts'
import { createRecorder } from '../support/recorder.ts'
import { startRedisCluster } from '../support/redis-cluster.ts'
import { type RedisServer, startRedis } from '../support/redis-server.ts'
import { openRedisStore, outcomeOf } from '../support/redis-stores.ts'
import { testStoreContract } from './store-contract.ts'

const cluster = await startRedisCluster(t)
let fleets = 0

testStoreContract('redis store on a Cluster', async ({ leaseMs }) => {
  const store = openRedisStore(t, cluster.target, { leaseMs, fleet: `contract-${fleets++}` })
  await store.join()
  return store
})

const done = (outcome: string): boolean => outcome === 'done'

t.test('all keys of a fleet are in one slot, also with a prefix', async t => {
  const store = openRedisStore(t, cluster.target, { fleet: 'keys', keyPrefix: 'acme:eu:' })
  await store.join()
  const { epoch } = await store.register(exampleRegion('a'))
  await store.heartbeat('a', { epoch, sequence: 1 })
  await store.drain('a', 'ops', '')
  await store.audit.append({ at: 1, who: 'ops', action: 'drain', outcome: 'done' })
  await store.tokens.add({ id: '1', name: 'a', sha256: '0'.repeat(64), rights: ['read'], regions: ['*'], createdAt: 1 })
  const found = cluster.masters().map(node => node.cli('KEYS', 'acme:eu:*').split('\n').filter(Boolean))
  const keys = found.flat()
  t.equal(keys.length, 7)
  t.equal(new Set(keys.map(key => cluster.nodes[0]!.cli('CLUSTER', 'KEYSLOT', key))).size, 1)
  t.equal(found.filter(of => of.length > 0).length, 1)
})

t.test('where the other nodes are is known from one', async t => {
  const node = { host: '127.0.0.1', port: cluster.nodes[0]!.port }
  const store = openRedisStore(t, { ...cluster.target, at: { kind: 'cluster', nodes: [node] } }, { fleet: 'nodes' })
  t.same(store.nodes(), [node])
  await store.join()
  const ports = new Set(store.nodes().map(({ port }) => port))
  for (const { port } of cluster.nodes) t.ok(ports.has(port), `port ${port}`)
})

t.test('it is the node of the fleet that must not throw regions away', async t => {
  const home = cluster.masterOf('{meridian:evicting}:meta')
  const evictOn = (node: RedisServer, policy: string) => node.cli('CONFIG', 'SET', 'maxmemory-policy', policy)
  const join = () => openRedisStore(t, cluster.target, { fleet: 'evicting' }).join()
  for (const node of cluster.masters()) if (node !== home) evictOn(node, 'allkeys-lru')
  await join()
  for (const node of cluster.masters()) evictOn(node, node === home ? 'allkeys-lru' : 'noeviction')
  await t.rejects(join(), { code: 'STORE_UNSUITABLE', message: /allkeys-lru/ })
  evictOn(home, 'noeviction')
})

t.test('a slot that moves to another node takes its fleet along', async t => {
  const store = openRedisStore(t, cluster.target, { fleet: 'moving' })
  await store.join()
  const { epoch } = await store.register(exampleRegion('a'))
  const { incarnation } = await store.read()
  const key = '{meridian:moving}:meta'
  const from = cluster.masterOf(key)
  const to = cluster.masters().find(node => node !== from)!
  const slot = from.cli('CLUSTER', 'KEYSLOT', key)
  to.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', cluster.idOf(from))
  from.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', cluster.idOf(to))
  const keys = from.cli('CLUSTER', 'GETKEYSINSLOT', slot, '100').split('\n')
  from.cli('MIGRATE', '127.0.0.1', `${to.port}`, '', '0', '5000', 'KEYS', ...keys)
  for (const node of [to, from]) node.cli('CLUSTER', 'SETSLOT', slot, 'NODE', cluster.idOf(to))
  await eventually(() => outcomeOf(store.heartbeat('a', { epoch, sequence: 1 })), done)
  t.match(await store.read(), { incarnation, records: [{ region: { id: 'a' }, load: { sequence: 1 } }] })
})

t.test('when the node of the fleet dies, its replica goes on with all that was registered', async t => {
  const [store, other] = [1, 2].map(() => openRedisStore(t, cluster.target, { fleet: 'failing' })) as [Store, Store]
  await Promise.all([store.join(), other.join()])
  const { epoch } = await store.register(exampleRegion('a'))
  await store.register(exampleRegion('b'))
  await store.drain('b', 'ops', 'moving out')
  await store.setMode('distance-only', 'ops')
  const { incarnation } = await store.read()
  const home = cluster.masterOf('{meridian:failing}:meta')
  t.equal(home.cli('WAIT', '1', '10000'), '1', 'the replica has it all')
  await home.kill()
  t.equal(await outcomeOf(store.register(exampleRegion('c'))), 'STORE_UNAVAILABLE', 'clearly, not after a failover')
  await eventually(() => outcomeOf(store.heartbeat('a', { epoch, sequence: 1 })), done)
  t.match(await store.read(), {
    incarnation,
    mode: 'distance-only',
    records: [
      { region: { id: 'a' }, load: { sequence: 1 } },
      { region: { id: 'b' }, drain: { by: 'ops' } },
    ],
  })
  const { seen } = hear(other)
  await eventually(
    async () => {
      await outcomeOf(store.setMode('frozen', 'ops'))
      await outcomeOf(store.setMode('auto', 'ops'))
      return seen.length
    },
    count => count > 0,
  )
  t.match(seen[0], { kind: 'mode' }, 'and everybody hears events again')
})

t.test('what is no Cluster, and what is one but is not called so, is refused with the mend', async t => {
  const single = await startRedis(t)
  const node = cluster.masters().find(node => node !== cluster.masterOf('{meridian:test}:meta'))!
  for (const [target, reason] of [
    [{ ...cluster.target, at: { kind: 'cluster', nodes: [atPort(single.port)] } }, /no Cluster.*redis\.url/],
    [node.target, /MOVED.*redis\.cluster/],
  ] as const) {
    await t.rejects(openRedisStore(t, target).join(), { code: 'STORE_UNSUITABLE', message: reason })
  }
})

t.test('the documented rights are enough for a user', async t => {
  const rights = ['~{meridian:acl}:*', '&{meridian:acl}:*', '+@all', '-@dangerous', '+info']
  for (const node of cluster.nodes) node.cli('ACL', 'SETUSER', 'router', 'on', '>s3cret', ...rights)
  const as = (password: string) => ({ ...cluster.target, username: 'router', password })
  const store = openRedisStore(t, as('s3cret'), { fleet: 'acl' })
  await store.join()
  await store.register(exampleRegion('a'))
  t.match((await store.read()).records, [{ region: { id: 'a' } }])
  await t.rejects(openRedisStore(t, as('guess')).join(), { code: 'STORE_UNSUITABLE', message: /WRONGPASS/ })
})

t.test('a Cluster that is away is said to be so at once', async t => {
  const gone = await startRedis(t)
  await gone.kill()
  const target = { ...cluster.target, at: { kind: 'cluster', nodes: [atPort(gone.port)] } } as const
  const store = openRedisStore(t, target)
  await t.rejects(store.join(), { code: 'STORE_UNAVAILABLE', message: /ECONNREFUSED/ })
  await t.rejects(store.read(), { code: 'STORE_UNAVAILABLE' })
})

type Store = ReturnType<typeof openRedisStore>

function hear(store: Store) {
  const recorder = createRecorder<FleetEvent>()
  store.watch(event => recorder.note(event))
  return recorder
}

function atPort(port: number) {
  return { host: '127.0.0.1', port }
}
