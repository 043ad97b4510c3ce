/** From the store to snapshots, with the real store and guard, on a clock of the test's own. */

import t from 'tap'
import { createLeaseGuard } from '../../src/regions/lease-guard.ts'
import { createMemoryStore } from '../../src/regions/memory-store.ts'
import { startFleetFeed } from '../../src/runtime/fleet-feed.ts'
import { createFakeClock } from '../support/clocks.ts'
import { load, region } from '../support/world.ts'

t.test('what idle regions report of their first byte is in every snapshot, until they leave', async t => {
  const clock = createFakeClock(1_000)
  const store = createMemoryStore({ clock, leaseMs: 10_000 })
  const feed = await startFleetFeed({
    ...{ store, clock, guard: createLeaseGuard({ leaseMs: 10_000, everyMs: 1_000 }), prober: undefined },
    ...{ everyMs: 1_000, onSnapshot: () => {}, onFault: error => t.fail(String(error)) },
  })
  t.teardown(() => feed.close())
  const report = async (id: string, firstByteMs: number, inflight: number, sequence: number) => {
    const { receivedAt: _, ...rest } = load(inflight, 100, { sequence, firstByteMs })
    await store.heartbeat(id, { ...rest, epoch: epochs.get(id)! })
    await feed.refresh()
  }
  const seen = () => feed.snapshot.regions.map(({ region, serviceMs }) => [region.id, serviceMs])
  const epochs = new Map<string, number>()
  for (const id of ['a', 'b']) epochs.set(id, (await store.register(region(id, 'tokyo'))).epoch)
  await report('a', 20, 10, 1)
  t.same(seen(), [
    ['a', 0],
    ['b', 0],
  ])
  await report('b', 60, 10, 1)
  clock.advance(2_000)
  await report('b', 900, 95, 2)
  t.same(
    seen(),
    [
      ['a', 0],
      ['b', 40],
    ],
    'a busy region is not slower by itself',
  )
  await store.remove('a')
  await feed.refresh()
  t.same(seen(), [['b', 0]])
})
