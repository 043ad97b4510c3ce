import t from 'tap'
import { rampUp } from '../../src/routing/slow-start.ts'

t.test('who is new beside others gets little at first', async t => {
  for (const [ages, expected, why] of [
    [[0, 3600], [0.1, 1], 'just back'],
    [[30, 3600], [0.5, 1], 'halfway'],
    [[60, 3600], [1, 1], 'a minute later'],
    [[0, 0], [1, 1], 'a fleet that starts as a whole'],
    [[15, 30], [0.5, 1], 'the one that is younger'],
  ] as const) {
    const shares = new Float64Array(2)
    rampUp(
      Float64Array.from(ages, age => -1000 * age),
      0,
      shares,
    )
    t.same([...shares], expected, why)
  }
})
