import t from 'tap'
import { barrierMs } from '../../src/routing/barrier.ts'

t.test('what one more request can expect to wait', async t => {
  for (const [inflight, capacity, stayMs, expected, why] of [
    [0, 100, 1000, 0, 'idle'],
    [80, 100, 1000, 0, 'room enough'],
    [90, 100, 1000, 1.2, 'the wall begins a few slots before the last one'],
    [99, 100, 1000, 20.8, 'the last slot'],
    [100, 100, 1000, 26.2, 'one would have to end first: 10 ms, and others may be on their way'],
    [120, 100, 1000, 210, '21 have to end, one every 10 ms'],
    [20, 20, 100, 7.6, 'short requests: hardly worth a detour'],
    [10, 10, 30_000, 3851, 'long ones on few slots: worth any'],
    [1e9, 100, 1000, 3010, 'at most three stays'],
  ] as const) {
    t.ok(
      Math.abs(barrierMs(inflight, capacity, stayMs) - expected) <= 0.05 + expected / 200,
      `${why}: ${barrierMs(inflight, capacity, stayMs)}`,
    )
  }
})

t.test('it never falls as a region fills up', async t => {
  for (const capacity of [1, 3, 20, 150, 10_000]) {
    let before = 0
    for (let inflight = 0; inflight <= 5 * capacity; inflight += capacity / 100) {
      const now = barrierMs(inflight, capacity, 4000)
      if (now < before) t.fail(`${inflight} of ${capacity}: ${now} after ${before}`)
      before = now
    }
    t.ok(before > 2 * 4000, `${capacity} slots: a wall in the end`)
  }
})
