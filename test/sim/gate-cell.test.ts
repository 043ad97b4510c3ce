/** Pins the worlds of the gate and what it reads off their runs. */

import t from 'tap'
import { overshootAfter, settlingMs, steadyWorld, stepWorld, swingFrom } from '../../bench/gate-cell.ts'
import { capacityAt, demandAt } from '../../src/sim/demand.ts'
import type { RegionResult } from '../../src/sim/result.ts'
import type { World } from '../../src/sim/world.ts'
import { shippedScenario } from '../support/shipped-scenario.ts'

const base = { ...(await shippedScenario('regional-surge')), changes: [] }
const sum = (values: Float64Array): number => values.reduce((total, each) => total + each, 0)
const loadAt = (world: World, at: number): number =>
  Math.round((1e4 * sum(demandAt(world, at)) * world.service.meanMs) / 1000 / sum(capacityAt(world, at))) / 1e4

t.test('every cell asks for the same share of the slots, whatever its stay', async t => {
  for (const stayMs of [100, 30_000]) {
    for (const ttlMs of [0, 60_000]) {
      const cell = { stayMs, ttlMs, reportEveryMs: 5000, routers: 16 }
      const [steady, step] = [steadyWorld(base, cell), stepWorld(base, cell)]
      t.same(
        [0, 100_000].map(at => loadAt(steady, at)),
        [0.8, 0.8],
      )
      t.same(
        [0, settlingMs(cell) - 1, settlingMs(cell)].map(at => loadAt(step, at)),
        [0.6, 0.6, 0.81],
      )
      t.ok(steady.durationMs <= 600_000, 'samples are seconds')
      t.match(steady.routers, { count: 16, reportEveryMs: 5000, ttlMs, transport: { dns: ttlMs > 0 ? 1 : 0 } })
    }
  }
})

t.test('swing and overshoot are of means over five seconds, from a time on, of the worst region', async t => {
  const runOf = (...utilisations: number[][]) => ({
    regions: utilisations.map(utilisation => ({ utilisation }) as unknown as RegionResult),
  })
  const calm = [9, 9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]
  const stepping = [0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 1]
  const run = runOf(calm, stepping)
  t.equal(swingFrom(runOf(calm), 2000), 0)
  // Means of 0.5 and 0.6.
  t.equal(Math.round(1e6 * swingFrom(run, 2000)), 50_000)
  t.equal(overshootAfter(run, 2000), 0.8)
  t.ok(overshootAfter(run, 1000) > 2, 'what was before does count from there on')
})
