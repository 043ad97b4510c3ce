import t from 'tap'
import { createMemoryStore } from '../../src/regions/memory-store.ts'
import type { FleetEvent } from '../../src/regions/store.ts'
import { createFakeClock, realClock } from '../support/clocks.ts'
import { exampleRegion } from '../support/example-region.ts'
import { testStoreContract } from './store-contract.ts'

testStoreContract('memory store', async ({ leaseMs }) => createMemoryStore({ clock: realClock, leaseMs }))

t.test('a lease lapses exactly when it ends, and heartbeats push that out', async t => {
  const clock = createFakeClock(1_000)
  const store = createMemoryStore({ clock, leaseMs: 10_000 })
  const events = eventsOf(store)
  const { epoch } = await store.register(exampleRegion('a'))

  clock.advance(9_999)
  await store.heartbeat('a', { epoch, sequence: 1 })
  clock.advance(9_999)
  t.same(events, ['registered', 'reported'], 'one millisecond before its end it holds')
  clock.advance(1)
  t.same(events, ['registered', 'reported', 'lapsed'])
  clock.advance(60_000)
  t.equal(events.length, 3, 'told once')

  await store.heartbeat('a', { epoch, sequence: 2 })
  clock.advance(10_000)
  t.same(events.slice(3), ['renewed', 'lapsed'])
})

t.test('a timer that fires early does not lapse a lease', async t => {
  const clock = createFakeClock()
  const early = {
    now: clock.now,
    after: (ms: number, callback: () => void) => clock.after(Math.max(1, ms - 2), callback),
  }
  const store = createMemoryStore({ clock: early, leaseMs: 10_000 })
  const lapsedAt: number[] = []
  store.watch(({ kind }) => kind === 'lapsed' && lapsedAt.push(clock.now()))
  await store.register(exampleRegion('a'))
  clock.advance(20_000)
  t.same(lapsedAt, [10_000])
})

t.test('nothing is left running for a region that is gone, or after close', async t => {
  const clock = createFakeClock()
  const store = createMemoryStore({ clock, leaseMs: 10_000 })
  await store.register(exampleRegion('a'))
  await store.register(exampleRegion('a'))
  t.equal(clock.pending, 1, 'one timer for a region, however often it registers')
  await store.remove('a')
  t.equal(clock.pending, 0)

  await store.register(exampleRegion('b'))
  const events = eventsOf(store)
  await store.close()
  t.equal(clock.pending, 0)
  clock.advance(20_000)
  t.same(events, [])
})

t.test('errors name the region and the mend', async t => {
  const store = createMemoryStore({ clock: createFakeClock(), leaseMs: 10_000 })
  await store.declare([exampleRegion('declared')])
  const { epoch } = await store.register(exampleRegion('a'))
  await store.heartbeat('a', { epoch, sequence: 5 })
  await t.rejects(store.heartbeat('x\n', { epoch: 1, sequence: 1 }), {
    message: 'region "x\\n" is not known: it has to register before it sends heartbeats',
  })
  await t.rejects(store.heartbeat('a', { epoch: 7, sequence: 1 }), {
    message: 'region "a" reports for epoch 7, but its epoch is 1: register again',
  })
  await t.rejects(store.heartbeat('a', { epoch, sequence: 5 }), {
    message: 'report 5 of region "a" is not newer than report 5, which has arrived',
  })
  await t.rejects(store.remove('declared'), {
    message: 'region "declared" is declared in a file: remove it from there',
  })
})

function eventsOf(store: { watch(listener: (event: FleetEvent) => void): () => void }): readonly string[] {
  const events: string[] = []
  store.watch(({ kind }) => events.push(kind))
  return events
}
