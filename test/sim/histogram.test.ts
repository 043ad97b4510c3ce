/** Pins how exact quantiles are. */

import t from 'tap'
import { Histogram } from '../../src/sim/histogram.ts'
import { lognormal } from '../../src/sim/random.ts'
import { seededRandom } from '../support/seeded-random.ts'

t.test('quantiles are within one per cent of those of a sorted array', async t => {
  const random = seededRandom(5)
  const values = Array.from({ length: 9999 }, () => lognormal(random, 100, 1.5))
  const [all, half] = [new Histogram(), new Histogram()]
  values.forEach((value, index) => {
    if (index % 2 === 0) all.add(value)
    else half.add(value)
  })
  all.addAll(half)
  values.sort((a, b) => a - b)
  for (const share of [0.01, 0.5, 0.9, 0.99, 1]) {
    const exact = values[Math.ceil(share * values.length) - 1]!
    t.ok(Math.abs(all.quantile(share) / exact - 1) < 0.0101, `${share}: ${all.quantile(share)} for ${exact}`)
  }
})

t.test('nothing, nothing at all, and for ever', async t => {
  const histogram = new Histogram()
  t.equal(histogram.quantile(0.5), 0)
  histogram.add(0)
  t.ok(histogram.quantile(0.5) <= 0.001)
  histogram.add(1e12)
  t.ok(histogram.quantile(1) > 86_000_000)
})
