import { pino } from 'pino'
import t from 'tap'
import { createMetrics } from '../../src/observe/metrics.ts'
import type { Snapshot } from '../../src/regions/snapshot.ts'
import { observeFleet } from '../../src/runtime/observe-fleet.ts'
import { down, region, state } from '../support/world.ts'

const near = state(region('near', 'london'))
const far = state(region('far', 'tokyo'))
const snapshot = (version: number, ...regions: Snapshot['regions']): Snapshot => ({
  version,
  takenAt: version,
  regions,
})

t.test('who joins, changes and leaves is logged; what was there from the start is not', async t => {
  const lines: string[] = []
  const log = pino({}, { write: line => void lines.push(line) })
  const observe = observeFleet(
    createMetrics(() => 0),
    log,
  )
  const told = (next: Snapshot, previous: Snapshot) => {
    lines.length = 0
    observe(next, previous)
    return lines
      .map(line => JSON.parse(line) as { region: string; msg: string })
      .map(({ region, msg }) => [region, msg])
  }
  const empty = snapshot(0)
  const first = snapshot(1, near)
  const both = snapshot(2, near, far)
  const sick = snapshot(3, near, { ...far, verdict: down })
  t.same(told(first, empty), [])
  t.same(told(both, first), [['far', 'a region has joined the fleet']])
  t.same(told(sick, both), [['far', 'a region is in doubt']])
  t.same(told(first, sick), [['far', 'a region has left the fleet']])
})
