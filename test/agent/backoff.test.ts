/** When an agent speaks next. */

import t from 'tap'
import { glanceEveryMs, heartbeatDelayMs, intervalWithin, retryDelayMs } from '../../src/agent/backoff.ts'
import { reconnectDelayMs } from '../../src/regions/reconnect-delay.ts'
import { seededRandom } from '../support/seeded-random.ts'

t.test('heartbeats come at their interval, a tenth more or less', async t => {
  for (const [chance, delayMs] of [
    [0, 1_800],
    [0.5, 2_000],
    [0.999_999, 2_200],
  ] as const) {
    t.equal(Math.round(heartbeatDelayMs(2_000, () => chance)), delayMs)
  }
})

t.test('retries wait for up to twice as long each time, and always less than a heartbeat', async t => {
  for (const [failures, leastMs, mostMs] of [
    [1, 250, 500],
    [2, 500, 1_000],
    [3, 750, 1_500],
    [4, 750, 1_500],
    [2_000, 750, 1_500],
  ] as const) {
    t.equal(
      retryDelayMs(failures, 2_000, () => 0),
      leastMs,
      'never at once',
    )
    t.equal(Math.round(retryDelayMs(failures, 2_000, () => 0.999_999)), mostMs)
  }
  const random = seededRandom(1)
  const delays = Array.from({ length: 10_000 }, () => retryDelayMs(9, 2_000, random))
  const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length
  t.ok(mean > 1_000, `less than twice as often as heartbeats: ${mean}`)
})

t.test('a store that comes back has heard from every agent within one heartbeat', async t => {
  const latest = () => 1
  for (const intervalMs of [2_000, 1_000]) {
    const longestMs = reconnectDelayMs(1_000, latest) + retryDelayMs(1_000, intervalMs, latest)
    t.ok(longestMs <= intervalMs, `first a router returns, then an agent: ${longestMs} ms of ${intervalMs}`)
  }
})

t.test('four looks at the service between two heartbeats, at most four a second', async t => {
  t.equal(glanceEveryMs(2_000), 500)
  t.equal(glanceEveryMs(300), 250)
})

t.test('three heartbeats fit into a lease', async t => {
  t.equal(intervalWithin(10_000, 2_000), 2_000)
  t.equal(intervalWithin(300, 2_000), 100)
})
