/** Pins the order of events: by time, and at one time as they were added. */

import t from 'tap'
import { EventQueue } from '../../src/sim/event-queue.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

t.test('an empty queue has nothing next', async t => {
  const queue = new EventQueue()
  t.equal(queue.pop(), false)
  t.equal(queue.nextTime, Number.POSITIVE_INFINITY)
})

t.test('events come as a sorted array has them, whatever is added meanwhile', async t => {
  const random = seededRandom(3)
  for (let round = 0; round < 20; round++) {
    const queue = new EventQueue()
    /** Kept sorted by time; a later one goes behind those of its time. */
    const expected: { time: number; kind: number; subject: number }[] = []
    const found: unknown[] = []
    const wanted: unknown[] = []
    for (let step = 0; step < 5000; step++) {
      if (random() < 0.6) {
        const each = { time: randomInteger(random, 200), kind: randomInteger(random, 17), subject: step }
        queue.push(each.time, each.kind, each.subject)
        const place = expected.findIndex(({ time }) => time > each.time)
        expected.splice(place < 0 ? expected.length : place, 0, each)
      } else if (expected.length > 0) {
        wanted.push(expected[0]!.time, expected.shift())
        found.push(queue.nextTime)
        queue.pop()
        found.push({ time: queue.time, kind: queue.kind, subject: queue.subject })
      }
    }
    t.same(found, wanted)
    t.equal(queue.size, expected.length)
  }
})
