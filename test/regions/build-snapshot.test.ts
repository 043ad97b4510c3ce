import t from 'tap'
import { buildSnapshot, freezeSnapshot } from '../../src/regions/build-snapshot.ts'
import type { RegionCondition, Verdict } from '../../src/regions/snapshot.ts'
import type { FleetRecord, FleetState } from '../../src/regions/store.ts'
import { exampleRegion } from '../support/example-region.ts'

t.test('a snapshot has every region of the fleet, in order, with verdict and load', async t => {
  const load = { epoch: 1, sequence: 2, inflight: 3, receivedAt: 900 }
  const fleet = fleetAt(1_000, [recordOf('a', { load }), recordOf('b')])
  const snapshot = buildSnapshot({
    fleet,
    judge: r => verdict(r.region.id === 'a' ? 'up' : 'down'),
    version: 7,
    takenAt: 50,
  })
  t.equal(snapshot.version, 7)
  t.equal(snapshot.takenAt, 50)
  t.same(
    snapshot.regions.map(state => [
      state.region.id,
      state.verdict.condition,
      state.load,
      state.tollMs,
      state.serviceMs,
    ]),
    [
      ['a', 'up', load, 0, 0],
      ['b', 'down', undefined, 0, 0],
    ],
  )
})

t.test('since when a region lives, over a row of snapshots', async t => {
  let previous: ReturnType<typeof buildSnapshot> | undefined
  for (const [now, condition, registeredAt, expected, why] of [
    [1_000, 'up', 500, 500, 'at first: its registration'],
    [2_000, 'impaired', 500, 500, 'still the same life'],
    [3_000, 'down', 500, 500, 'going down ends nothing yet'],
    [4_000, 'down', 500, 500, 'nor does staying down'],
    [5_000, 'up', 500, 5_000, 'it came back'],
    [6_000, 'up', 500, 5_000, 'and stays'],
    [7_000, 'draining', 500, 5_000, 'a drain is no end'],
    [8_000, 'up', 500, 5_000, 'nor is its end a start'],
    [9_000, 'up', 8_500, 8_500, 'registered again'],
  ] as const) {
    const fleet = fleetAt(now, [recordOf('a', { registeredAt })])
    previous = buildSnapshot({ fleet, judge: () => verdict(condition), version: now, takenAt: now, previous })
    t.equal(previous.regions[0]!.since, expected, why)
  }
})

t.test('an empty fleet is a snapshot, too', async t => {
  t.same(buildSnapshot({ fleet: fleetAt(5, []), judge: () => verdict('up'), version: 1, takenAt: 5 }).regions, [])
})

t.test('a frozen fleet follows drains, and nothing else', async t => {
  const judged = (...regions: readonly (readonly [id: string, condition: RegionCondition])[]) => {
    const conditions = new Map(regions)
    const judge = ({ region }: FleetRecord) => verdict(conditions.get(region.id)!)
    const fleet: FleetState = { now: 9, mode: 'frozen', records: regions.map(([id]) => recordOf(id)) }
    return buildSnapshot({ fleet, judge, version: 7, takenAt: 8 })
  }
  const frozen = judged(['a', 'up'], ['b', 'up'], ['c', 'down'], ['d', 'draining'], ['e', 'up'])
  const present = judged(['a', 'down'], ['b', 'draining'], ['c', 'up'], ['d', 'down'], ['new', 'up'])
  const { regions, ...rest } = freezeSnapshot(frozen, { ...present, version: 9, takenAt: 10 })
  t.same(rest, { version: 9, takenAt: 10, mode: 'frozen' })
  t.same(
    regions.map(({ region, verdict }) => `${region.id} ${verdict.condition}`),
    ['a up', 'b draining', 'c down', 'd down', 'e up'],
  )
})

function fleetAt(now: number, records: readonly FleetRecord[]): FleetState {
  return { now, mode: 'auto', records }
}

function recordOf(id: string, changes: Partial<FleetRecord> = {}): FleetRecord {
  return { region: exampleRegion(id), source: 'registered', revision: 1, registeredAt: 0, ...changes }
}

function verdict(condition: RegionCondition): Verdict {
  return { condition, by: 'probe', detail: '' }
}
