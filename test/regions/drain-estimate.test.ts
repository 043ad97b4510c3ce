import t from 'tap'
import { createDrainTracker, estimateDrain } from '../../src/regions/drain-estimate.ts'
import { exampleRegion } from '../support/example-region.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'
import { draining, load, snapshotOf, state } from '../support/world.ts'

t.test('when a region will be empty, by what it reported', async t => {
  for (const [reports, stayMs, now, expected, why] of [
    [[], undefined, 0, { basis: 'unknown' }, 'it has said nothing'],
    [[[0, 0]], undefined, 0, { basis: 'empty', inflight: 0, emptyInSeconds: 0 }, 'it says so'],
    [[[0, 100]], undefined, 0, { basis: 'unknown', inflight: 100 }, 'one report alone'],
    [
      [[0, 64]],
      1000,
      0,
      { basis: 'stay', inflight: 64, emptyInSeconds: 4.9 },
      'one report, and how long a request stays: ln 128 stays',
    ],
    [[[0, 64]], 1000, 4000, { basis: 'stay', inflight: 64, emptyInSeconds: 0.9 }, 'four seconds later'],
    [[[0, 64]], 1000, 9000, { basis: 'stay', inflight: 64, emptyInSeconds: 0 }, 'it should be by now'],
    [[[0, 64]], 0, 0, { basis: 'unknown', inflight: 64 }, 'a stay of nothing says nothing'],
    [
      [
        [0, 64],
        [2000, 32],
        [4000, 16],
      ],
      9e9,
      4000,
      { basis: 'trend', inflight: 16, emptyInSeconds: 10 },
      'halved every 2 s: five more times',
    ],
    [
      [
        [0, 64],
        [2000, 32],
        [4000, 16],
      ],
      undefined,
      7000,
      { basis: 'trend', inflight: 16, emptyInSeconds: 7 },
      'less what has passed',
    ],
    [
      [
        [0, 8],
        [2000, 8],
        [4000, 8],
      ],
      1000,
      4000,
      { basis: 'not-falling', inflight: 8 },
      'what has come to stay',
    ],
    [
      [
        [0, 8],
        [2000, 16],
      ],
      1000,
      2000,
      { basis: 'not-falling', inflight: 16 },
      'or rises',
    ],
    [
      [
        [0, 8],
        [2000, 0],
        [4000, 2],
      ],
      undefined,
      4000,
      { basis: 'trend', inflight: 2 },
      'a zero on the way breaks nothing',
    ],
  ] as const) {
    const samples = reports.map(([at, inflight]) => ({ at, inflight }))
    t.match(estimateDrain(samples, stayMs, now), expected, why)
  }
})

t.test('regions that really fall exponentially are empty when the estimate says', async t => {
  const random = seededRandom(7)
  for (let round = 0; round < 200; round++) {
    const start = 50 + randomInteger(random, 1000)
    const stayMs = 500 + randomInteger(random, 20_000)
    const reports = 2 + randomInteger(random, 10)
    const left = (at: number) => start * Math.exp(-at / stayMs)
    const samples = Array.from({ length: reports }, (_, i) => ({ at: i * 1000, inflight: left(i * 1000) }))
    const now = (reports - 1) * 1000
    const { emptyInSeconds } = estimateDrain(samples, undefined, now)
    const really = Math.max(0, (stayMs * Math.log(start / 0.5) - now) / 1000)
    if (left(now) > 0.5)
      t.ok(Math.abs(emptyInSeconds! - really) <= 0.06, `round ${round}: ${emptyInSeconds} s, ${really} s`)
  }
})

t.test('a region whose queue still holds requests is not empty', async t => {
  const tracker = createDrainTracker()
  const report = (receivedAt: number, inflight: number, queueDepth: number) =>
    tracker.observe(
      snapshotOf([
        state(exampleRegion('a'), { verdict: draining, load: load(inflight, 100, { receivedAt, queueDepth }) }),
      ]),
      { now: receivedAt, records: [] },
    )
  report(0, 0, 3)
  t.match(tracker.estimateOf('a', 0), { basis: 'stay', inflight: 3 })
  report(2000, 1, 0)
  t.match(tracker.estimateOf('a', 2000), { basis: 'trend', inflight: 1 })
  report(4000, 0, 0)
  t.match(tracker.estimateOf('a', 4000), { basis: 'empty', inflight: 0 })
})

t.test('the tracker follows the reports of regions that drain, and forgets the others', async t => {
  const tracker = createDrainTracker()
  const region = exampleRegion('a')
  const see = (at: number, inflight: number, verdict = draining, epoch = 1) =>
    tracker.observe(
      snapshotOf([
        state(region, { verdict, load: load(inflight, 100, { receivedAt: at, epoch }) }),
        state(exampleRegion('b')),
      ]),
      { now: at, records: [] },
    )
  see(0, 64)
  see(0, 64)
  t.equal(tracker.estimateOf('a', 0)?.basis, 'stay', 'the same report twice is one')
  see(2000, 32)
  see(4000, 16)
  t.match(tracker.estimateOf('a', 4000), { basis: 'trend', emptyInSeconds: 10 })
  t.same([...tracker.estimates(4000).keys()], ['a'])
  see(6000, 50, draining, 2)
  t.match(tracker.estimateOf('a', 6000), { basis: 'stay', inflight: 50 }, 'it has registered anew: another life')
  tracker.observe(snapshotOf([state(region)]), { now: 8000, records: [] })
  t.equal(tracker.estimateOf('a', 8000), undefined, 'the drain was taken back')
})

t.test(
  'of a region whose lease has lapsed there is no estimate, unless it was empty, or nobody could renew it',
  async t => {
    for (const [inflight, expiresAt, writeFault, expected, why] of [
      [8, 1, undefined, { basis: 'stay', inflight: 8, emptyInSeconds: 2.8 }, 'its lease holds'],
      [8, 0, undefined, { basis: 'silent', inflight: 8 }, 'silent'],
      [0, 0, undefined, { basis: 'empty', inflight: 0, emptyInSeconds: 0 }, 'empty was its last word'],
      [undefined, 0, undefined, { basis: 'silent' }, 'it never said'],
      [8, 0, 'Redis is full', { basis: 'stay', inflight: 8, emptyInSeconds: 2.8 }, 'nobody could renew a lease'],
    ] as const) {
      const tracker = createDrainTracker()
      const region = exampleRegion('a')
      const report = {
        epoch: 1,
        sequence: 1,
        receivedAt: 0,
        latencyMs: 1000,
        ...(inflight !== undefined && { inflight }),
      }
      const lease = { epoch: 1, expiresAt }
      tracker.observe(snapshotOf([state(region, { verdict: draining, load: report })]), {
        now: 0,
        records: [{ region, source: 'registered', revision: 1, registeredAt: 0, lease }],
        ...(writeFault !== undefined && { writeFault }),
      })
      t.same(tracker.estimateOf('a', 0), expected, why)
    }
  },
)
