/** Pins what a region does with who knocks, and what it says of itself. */

import t from 'tap'
import { arrival, RegionModel } from '../../src/sim/region-model.ts'

t.test('slots first, then the queue in order, then nothing', async t => {
  const region = new RegionModel(2, 2)
  const outcomes = [1, 2, 3, 4, 5].map(id => region.admit(id))
  t.same(outcomes, [arrival.served, arrival.served, arrival.queued, arrival.queued, arrival.refused])
  t.equal(region.utilisation, 2)
  t.equal(region.next(), -1, 'no slot is free')
  region.release()
  t.equal(region.next(), 3)
  t.equal(region.next(), -1)
  region.slots = 3
  t.equal(region.next(), 4, 'a new slot is used at once')
  t.equal(region.queue.length, 0)
})

t.test('a long line keeps its order', async t => {
  const region = new RegionModel(1, Number.POSITIVE_INFINITY)
  const left: number[] = []
  for (let id = 0; id < 1000; id++) {
    region.admit(id)
    if (id % 3 !== 0) continue
    region.release()
    left.push(region.next())
  }
  t.same(left, [-1, ...Array.from({ length: 333 }, (_, index) => index + 2)])
})

t.test('a dead region takes nobody, and forgets whom it served', async t => {
  const region = new RegionModel(1, 5)
  region.admit(1)
  region.die()
  t.equal(region.admit(2), arrival.dead)
  t.equal(region.next(), -1)
  region.isUp = true
  t.equal(region.admit(3), arrival.served)
})

t.test('it reports what is there, and the rate since it last did', async t => {
  const region = new RegionModel(2, 7)
  for (const id of [1, 2, 3]) region.admit(id)
  const still = { inflight: 2, queueDepth: 1, capacityRequests: 2, queueLimit: 7 }
  t.same(region.report(2000), { ...still, requestsPerSecond: 1.5 })
  region.complete(400)
  t.same(region.report(2000), { ...still, requestsPerSecond: 0, latencyMs: 400 })
  for (let count = 0; count < 2000; count++) region.complete(500)
  t.ok(Math.abs(region.report(2000).latencyMs! - 500) < 1, 'the mean stay of late')
})
