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

t.test('clocks: what the store stamps is put on this router’s, however long the store is away', async t => {
  const fleet = fleetAt(1_000, [recordOf('a')])
  const offset = (takenAt: number, readAt?: number) =>
    buildSnapshot({ fleet, judge: () => verdict('up'), version: 1, takenAt, readAt }).clockOffsetMs
  t.equal(offset(51_000), 50_000, 'read just now')
  t.equal(offset(59_000, 51_000), 50_000, 'a reading of eight seconds ago: the clocks have not moved apart since')
  t.equal(offset(400), -600, 'behind the store')
})

t.test('tolls hold for ten seconds after they were set, then become half as much every half minute', async t => {
  const tolls = { byRegion: new Map([['a', 40]]), term: 3, setAt: 900 }
  const fleet = { ...fleetAt(1_000, [recordOf('a'), recordOf('b')]), tolls, leader: 'router-2' }
  for (const [takenAt, expected, why] of [
    [50_000, 40, 'fresh'],
    [59_900, 40, 'ten seconds old'],
    [89_900, 20, 'half a minute later'],
    [119_900, 10, 'and another'],
    [50_000 + 3_600_000, 0, 'nothing is left after an hour'],
  ] as const) {
    const snapshot = buildSnapshot({ fleet, judge: () => verdict('up'), version: 1, takenAt, readAt: 50_000 })
    t.ok(Math.abs(snapshot.regions[0]!.tollMs - expected) < 1e-9, why)
    t.equal(snapshot.regions[1]!.tollMs, 0, 'no toll was set')
    t.same(snapshot.tolls, { term: 3, setAt: 49_900 }, 'on the clock of the snapshot')
    t.equal(snapshot.leader, 'router-2')
  }
})

t.test('a frozen fleet keeps its tolls, however old they become', async t => {
  const at = (takenAt: number, ms: number) => {
    const tolls = { byRegion: new Map([['a', ms]]), term: ms, setAt: takenAt }
    const fleet = { ...fleetAt(takenAt, [recordOf('a')]), tolls }
    return buildSnapshot({ fleet, judge: () => verdict('up'), version: 1, takenAt })
  }
  const { regions, tolls } = freezeSnapshot(at(1_000, 40), at(900_000, 5))
  t.equal(regions[0]!.tollMs, 40)
  t.same(tolls, { term: 40, setAt: 1_000 })
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
  t.same(rest, { version: 9, takenAt: 10, clockOffsetMs: -1, mode: 'frozen' })
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
