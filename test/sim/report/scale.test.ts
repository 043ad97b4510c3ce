import t from 'tap'
import { fittingScale, linearScale, logScale, timeScale } from '../../../src/sim/report/scale.ts'

t.test('axes end at round values, with round values between', async t => {
  for (const [scale, ticks, why] of [
    [linearScale(1.2, 5), [0, 0.5, 1, 1.5], 'utilisation'],
    [linearScale(2, 3), [0, 1, 2], 'one that is round already'],
    [linearScale(187), [0, 50, 100, 150, 200], 'hundreds'],
    [linearScale(0), [0, 0.2, 0.4, 0.6, 0.8, 1], 'nothing at all'],
    [logScale(40, 2_000), [10, 100, 1_000, 10_000], 'orders of magnitude'],
    [logScale(100, 100), [100, 1_000], 'a single value'],
    [timeScale(0, 600), [0, 120, 240, 360, 480, 600], 'ten minutes'],
    [timeScale(0, 86_400), [0, 21_600, 43_200, 64_800, 86_400], 'a day'],
    [timeScale(0, 5), [0, 1, 2, 3, 4, 5], 'some seconds'],
    [timeScale(0, 2), [0, 0.5, 1, 1.5, 2], 'less'],
    [timeScale(0, 864_000), [0, 200_000, 400_000, 600_000, 800_000], 'more than steps are known for'],
  ] as const) {
    t.same(
      scale.ticks.map(tick => Number(tick.toPrecision(12))),
      ticks,
      why,
    )
  }
})

t.test('values have their place between the ends, and stay within them', async t => {
  for (const [scale, value, expected] of [
    [linearScale(200), 50, 0.25],
    [linearScale(200), 300, 1],
    [logScale(10, 1000), 100, 0.5],
    [logScale(10, 1000), 0, 0],
    [timeScale(100, 200), 125, 0.25],
    [timeScale(100, 200), 0, 0],
  ] as const)
    t.ok(Math.abs(scale.place(value) - expected) < 1e-9, `${value}`)
})

t.test('only what spreads widely gets a logarithmic axis', async t => {
  t.equal(fittingScale([50, 60, 170, 0, Number.NaN]).ticks[0], 0)
  t.same(fittingScale([50, 60, 55, 9_000]).ticks, [10, 100, 1_000, 10_000])
  t.equal(fittingScale([]).end, 1)
})
