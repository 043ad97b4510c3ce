import t from 'tap'
import { createLeaseGuard, type GuardedFleet, type LeaseGuard } from '../../src/regions/lease-guard.ts'
import type { FleetRecord, FleetState } from '../../src/regions/store.ts'
import { exampleRegion } from '../support/example-region.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const leaseMs = 10_000
const everyMs = 1_000
const guard = (): LeaseGuard => createLeaseGuard({ leaseMs, everyMs })

/** Regions by when they were last heard of, in seconds; each with 100 slots unless its id says otherwise: `big400`. */
function fleetAt(seconds: number, heard: Readonly<Record<string, number>>, more: Partial<FleetState> = {}): FleetState {
  const records = Object.entries(heard).map(([id, at]): FleetRecord => {
    const capacityRequests = Number(/\d+$/.exec(id)?.[0] ?? 100)
    const lease = { epoch: 1, expiresAt: at * 1000 + leaseMs }
    return {
      region: exampleRegion(id, { capacityRequests }),
      source: 'registered',
      revision: 1,
      registeredAt: 0,
      lease,
    }
  })
  return { now: seconds * 1000, mode: 'auto', records, ...more }
}

/** Ids that are out, and those that are excused. */
function words({ fleet, excuses }: GuardedFleet): string {
  return fleet.records
    .filter(({ lease }) => lease !== undefined && lease.expiresAt <= fleet.now)
    .map(({ region }) => `${region.id} ${excuses.get(region.id) ?? 'out'}`)
    .join(', ')
}

type Step =
  | readonly [at: number, heard: Readonly<Record<string, number>>, expected: string, more?: Partial<FleetState>]
  | readonly [at: number, 'away', expected: string]

/** A reading each second from the step before to this one, each as the step says. */
function follow(
  guard: LeaseGuard,
  steps: readonly Step[],
  check: (is: string, expected: string, at: number) => void,
): void {
  let at = 0
  for (const [until, what, expected, more] of steps) {
    const turn = () => (what === 'away' ? guard.missStore(at * 1000) : guard.review(fleetAt(at, what, more), at * 1000))
    for (; at < until; at++) turn()
    check(words(turn()!), expected, at)
    at++
  }
}

const four = { a: 0, b: 0, c: 0, d: 0 }
const full = { writeFault: 'OOM command not allowed' }

t.test('a lapse counts, unless nobody could have renewed', async t => {
  for (const [why, steps] of [
    [
      'one of four falls silent: it is out',
      [
        [9, { ...four, b: 8, c: 8, d: 8 }, ''],
        [10, { ...four, b: 8, c: 8, d: 8 }, 'a out'],
      ],
    ],
    [
      'and is back with its next heartbeat',
      [
        [12, { ...four, b: 8, c: 8, d: 8 }, 'a out'],
        [13, { a: 13, b: 8, c: 8, d: 8 }, ''],
      ],
    ],
    [
      'the store is away: nobody lapses',
      [
        [5, four, ''],
        [60, 'away', ''],
      ],
    ],
    [
      'nor for one lease after it is back',
      [
        [5, four, ''],
        [60, 'away', ''],
        [70, four, 'a unheard, b unheard, c unheard, d unheard'],
      ],
    ],
    [
      'and then only who is still silent',
      [
        [5, four, ''],
        [60, 'away', ''],
        [70, { a: 0, b: 68, c: 68, d: 68 }, 'a unheard'],
        [71, { a: 0, b: 68, c: 68, d: 68 }, 'a out'],
      ],
    ],
    [
      'who was out for a lease before the store went away stays out',
      [
        [21, { ...four, b: 19, c: 19, d: 19 }, 'a out'],
        [40, 'away', 'a out'],
        [42, { a: 0, b: 42, c: 42, d: 42 }, 'a out'],
      ],
    ],
    [
      'who was not may be the first victim: it is taken back, and out again once others are heard',
      [
        [12, { ...four, b: 10, c: 10, d: 10 }, 'a out'],
        [13, 'away', 'a unheard'],
        [23, { a: 0, b: 21, c: 21, d: 21 }, 'a unheard'],
        [24, { a: 0, b: 21, c: 21, d: 21 }, 'a out'],
      ],
    ],
    [
      'trouble again and again revives it once',
      [
        [12, { ...four, b: 10, c: 10, d: 10 }, 'a out'],
        [13, 'away', 'a unheard'],
        [24, { a: 0, b: 21, c: 21, d: 21 }, 'a out'],
        [25, 'away', 'a out'],
        [40, { a: 0, b: 38, c: 38, d: 38 }, 'a out'],
        [41, 'away', 'a out'],
      ],
    ],
    [
      'one lapses, a reading is missed, and still nobody is heard: the first is kept with the others',
      [
        [10, { a: 0, b: 1, c: 2, d: 3 }, 'a out'],
        [11, 'away', 'a unheard'],
        [21, { a: 0, b: 1, c: 2, d: 3 }, 'a unheard, b unheard, c unheard, d unheard'],
        [22, { a: 0, b: 1, c: 2, d: 3 }, 'a together, b together, c together, d together'],
        [60, { a: 0, b: 1, c: 2, d: 3 }, 'a together, b together, c together, d together'],
        [62, { a: 0, b: 61, c: 61, d: 61 }, 'a out'],
      ],
    ],
    [
      'a store that takes no writes: nobody lapses, however long, nor for one lease after',
      [
        [10, { a: 0, b: 1, c: 2, d: 3 }, 'a out'],
        [11, { a: 0, b: 1, c: 2, d: 3 }, 'a unheard, b unheard', full],
        [300, { a: 0, b: 1, c: 2, d: 3 }, 'a unheard, b unheard, c unheard, d unheard', full],
        [309, { a: 0, b: 301, c: 301, d: 301 }, 'a unheard'],
        [310, { a: 0, b: 301, c: 301, d: 301 }, 'a out'],
      ],
    ],
    [
      'who was gone for a lease before it took none is not revived by that',
      [
        [21, { ...four, b: 19, c: 19, d: 19 }, 'a out'],
        [50, { ...four, b: 19, c: 19, d: 19 }, 'a out, b unheard, c unheard, d unheard', full],
      ],
    ],
    ['a small region and a large one: both count alone', [[12, { small10: 11, large1000: 0 }, 'large1000 out']]],
    ['more than 30 % at once: kept', [[12, { a: 0, b: 0, c: 11, d: 11 }, 'a together, b together']]],
    ['exactly 30 %: out', [[12, { a15: 0, b15: 0, c70: 11 }, 'a15 out, b15 out']]],
    ['kept until they are back, however long', [[300, { a: 0, b: 0, c: 299, d: 299 }, 'a together, b together']]],
    [
      'or until those that are left are too few to blame the store',
      [
        [12, { a: 0, b: 0, c: 11, d: 11 }, 'a together, b together'],
        [14, { a: 13, b: 0, c: 11, d: 11 }, 'b out'],
      ],
    ],
    [
      'one after the other within a lease is at once; the first comes back',
      [
        [11, { a: 0, b: 4, c: 10, d: 10 }, 'a out'],
        [15, { a: 0, b: 4, c: 14, d: 14 }, 'a together, b together'],
      ],
    ],
    [
      'one after the other, further apart than a lease, is not',
      [
        [15, { a: 0, b: 14, c: 14, d: 14 }, 'a out'],
        [25, { a: 0, b: 15, c: 24, d: 24 }, 'a out, b out'],
      ],
    ],
  ] as const satisfies readonly (readonly [string, readonly Step[]])[]) {
    follow(guard(), steps, (is, expected, at) => t.equal(is, expected, `${why}, at ${at} s`))
  }
})

t.test('after a pause of this process leases get the time that it slept', async t => {
  const sleepy = guard()
  sleepy.review(fleetAt(5, four), 5_000)
  t.equal(words(sleepy.review(fleetAt(30, { ...four, b: 29, c: 29, d: 29 }), 30_000)), 'a unheard')
  const silent = { a: 0, b: 39, c: 39, d: 39 }
  for (let at = 31; at < 40; at++) t.equal(words(sleepy.review(fleetAt(at, silent), at * 1000)), 'a unheard')
  t.equal(words(sleepy.review(fleetAt(40, silent), 40_000)), 'a out')
})

t.test('a lapse that counted just before this process slept is taken back, however long it slept', async t => {
  for (const [sleptAt, expected] of [
    [11, 'a unheard'],
    [20, 'a unheard'],
    [21, 'a out'],
  ] as const) {
    const sleepy = guard()
    const others = (at: number) => ({ a: 0, b: at, c: at, d: at })
    for (let at = 9; at <= sleptAt; at++) sleepy.review(fleetAt(at, others(at)), at * 1000)
    t.equal(words(sleepy.review(fleetAt(300, others(300)), 300_000)), expected, `lapsed at 10 s, slept at ${sleptAt} s`)
    t.equal(words(sleepy.review(fleetAt(301, others(300)), 301_000)), expected)
  }
})

t.test('a router that starts believes the leases, unless none holds', async t => {
  t.equal(words(guard().review(fleetAt(100, { a: 0, b: 0, c: 99 }), 0)), 'a out, b out', 'others still renew')
  t.equal(
    words(guard().review(fleetAt(100, { a: 0, b: 0, c: 0 }), 0)),
    'a together, b together, c together',
    'nobody could',
  )
})

t.test('drained regions may fall silent without a word on the store', async t => {
  const drained = fleetAt(12, { a: 0, b: 0, c: 11, d: 11 })
  const drain = { by: 'ops', at: 0, reason: '' }
  const records = drained.records.map(record => (record.region.id === 'b' ? { ...record, drain } : record))
  const sharp = guard()
  sharp.review(fleetAt(11, { a: 2, b: 2, c: 11, d: 11 }), 11_000)
  t.equal(sharp.review({ ...drained, records }, 12_000).silentShare, 0)
  t.same([...sharp.review({ ...drained, records }, 12_000).excuses], [])
})

t.test('a store that comes back empty gets one lease to hear of its regions again', async t => {
  const keeping = guard()
  const ids = ({ fleet }: GuardedFleet) =>
    fleet.records.map(({ region, source }) => `${region.id} ${source}`).join(', ')
  const file: FleetRecord = { region: exampleRegion('b'), source: 'file', revision: 0, registeredAt: 0 }
  keeping.review(fleetAt(5, four, { incarnation: 'first' }), 5_000)
  const empty = (at: number) =>
    keeping.review({ now: at * 1000, mode: 'auto', records: [file], incarnation: 'next' }, at * 1000)
  t.equal(ids(empty(6)), 'a registered, b registered, c registered, d registered')
  empty(9)
  t.equal(words(empty(12)), 'a unheard, b unheard, c unheard, d unheard')
  const partly = keeping.review(fleetAt(13, { a: 13, c: 13 }, { incarnation: 'next' }), 13_000)
  t.equal(words(partly), 'b unheard, d unheard', 'who registers again is as it says')
  t.equal(
    ids(keeping.review(fleetAt(14, { c: 13 }, { incarnation: 'next' }), 14_000)),
    'b registered, c registered, d registered',
    'and may leave',
  )
  t.equal(
    ids(keeping.review(fleetAt(16, { c: 13 }, { incarnation: 'next' }), 16_000)),
    'c registered',
    'then it is over',
  )
})

t.test('a lapse that counted just before the store came back empty is taken back with the others', async t => {
  const keeping = guard()
  const others = { a: 0, b: 9, c: 9, d: 9 }
  for (const at of [9, 10]) keeping.review(fleetAt(at, others, { incarnation: 'first' }), at * 1000)
  const empty = keeping.review(fleetAt(11, {}, { incarnation: 'next' }), 11_000)
  t.same(
    empty.fleet.records.map(({ region }) => region.id),
    ['a', 'b', 'c', 'd'],
  )
  t.equal(words(empty), 'a unheard')
})

t.test('what was known before the start stands in until there is a reading', async t => {
  const fresh = guard()
  t.equal(fresh.missStore(0), undefined)
  fresh.assume(fleetAt(500, four))
  t.equal(words(fresh.missStore(1_000)!), 'a unheard, b unheard, c unheard, d unheard')
  t.equal(words(fresh.review(fleetAt(600, { ...four, b: 599, c: 599, d: 599 }), 2_000)), 'a unheard')
})

t.test(
  'random fleets: nobody newly out while the store is away or just back, nor a third at once; no ghosts',
  async t => {
    const random = seededRandom(3)
    for (let round = 0; round < 200; round++) {
      const careful = guard()
      const heard: Record<string, number> = {}
      for (let region = 0; region < 12; region++) heard[`r${region}-100`] = 0
      const dead = 'r0-100'
      let awayUntil = 0
      let backAt = Number.NEGATIVE_INFINITY
      let out = new Set<string>()
      for (let at = 0; at < 90; at++) {
        if (at > awayUntil && random() < 0.02) awayUntil = at + randomInteger(random, 30)
        const away = at < awayUntil
        if (away) backAt = at + 1
        for (const id of Object.keys(heard)) if (!away && random() < 0.25 && !(id === dead && at > 10)) heard[id] = at
        const guarded = away ? careful.missStore(at * 1000) : careful.review(fleetAt(at, heard), at * 1000)
        if (guarded === undefined) continue
        const before = out
        out = new Set(
          words(guarded)
            .split(', ')
            .filter(word => word.endsWith(' out')),
        )
        const fresh = [...out].filter(word => !before.has(word))
        const isLongOut = (id: string) => at - 1 - (heard[id]! + leaseMs / 1000) >= (leaseMs + everyMs) / 1000
        const revived = [...before].filter(word => !out.has(word)).map(word => word.slice(0, -' out'.length))
        const ghosts = revived.filter(isLongOut)
        if (ghosts.length > 0) return t.fail(`round ${round}, ${at} s: ${ghosts} back without a heartbeat`)
        const protectedNow = away || at < backAt + leaseMs / 1000
        if (protectedNow && fresh.length > 0)
          return t.fail(`round ${round}, ${at} s: ${fresh} out, the store back at ${backAt} s`)
        if (fresh.length > 12 * 0.3) return t.fail(`round ${round}, ${at} s: ${fresh} out at once`)
      }
    }
    t.pass('200 rounds')
  },
)
