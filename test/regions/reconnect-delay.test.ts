/** How soon a connection to the store is tried again. */

import t from 'tap'
import { reconnectDelayMs } from '../../src/regions/reconnect-delay.ts'

t.test('a store that is away is tried at least four times a second', async t => {
  for (const [attempts, leastMs, mostMs] of [
    [1, 50, 100],
    [2, 100, 200],
    [3, 125, 250],
    [4, 125, 250],
    [100_000, 125, 250],
  ] as const) {
    t.equal(
      reconnectDelayMs(attempts, () => 0),
      leastMs,
    )
    t.equal(Math.round(reconnectDelayMs(attempts, () => 0.999_999)), mostMs)
  }
})
