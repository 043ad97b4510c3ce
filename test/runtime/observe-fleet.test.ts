import { pino } from 'pino'
import t from 'tap'
import type { ConditionEvent } from '../../src/control/event-hub.ts'
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
    () => {},
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

t.test('a change of the condition is an event, unless the store tells it', async t => {
  const events: ConditionEvent[] = []
  const observe = observeFleet(
    createMetrics(() => 0),
    pino({ level: 'silent' }),
    event => events.push(event),
  )
  const drained = { condition: 'draining', by: 'operator', detail: 'drained by ops' } as const
  const verdicts = [near.verdict, down, down, near.verdict, drained, near.verdict]
  let previous = snapshot(0)
  for (const [version, verdict] of verdicts.entries()) {
    const next = snapshot(version + 1, { ...near, verdict })
    observe(next, previous)
    previous = next
  }
  t.same(
    events.map(({ kind, was, region }) => [kind, was, region]),
    [
      ['down', 'up', 'near'],
      ['up', 'down', 'near'],
      ['up', 'draining', 'near'],
    ],
  )
  t.match(events[0], { by: down.by, detail: down.detail })
})
