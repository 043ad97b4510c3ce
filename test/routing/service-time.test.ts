import t from 'tap'
import { ServiceTimes } from '../../src/routing/service-time.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'
import { load, region } from '../support/world.ts'

const at = (
  id: string,
  firstByteMs: number | undefined,
  more: Parameters<typeof load>[2] & { inflight?: number } = {},
) => ({
  region: region(id, 'tokyo'),
  load: load(more.inflight ?? 10, 100, { ...(firstByteMs !== undefined && { firstByteMs }), ...more }),
})

const told = (times: ServiceTimes, ids: readonly string[]): number[] => ids.map(id => Math.round(times.serviceMs(id)))

t.test('above the best of the fleet, as far as it is known', async t => {
  for (const [records, expected, why] of [
    [[at('a', 20), at('b', 50)], [0, 30], 'the best is the measure'],
    [[at('a', 20), at('b', undefined)], [0, 0], 'who does not say is not slower'],
    [[at('a', undefined), at('b', 50)], [0, 0], 'alone it is the best'],
    [[at('a', 20), at('b', 1e6)], [0, 1000], 'at most a second'],
    [[at('a', 0), at('b', 30)], [0, 30], 'no time at all'],
    [[at('a', 20.2), at('b', 20.9)], [0, 0], 'too little to be worth a change'],
    [[at('a', 20), { region: region('b', 'tokyo') }], [0, 0], 'no report'],
    [[at('a', 20), at('b', 50, { inflight: 49 })], [0, 30], 'just below half its capacity'],
    [[at('a', 20), at('b', 50, { inflight: 50 })], [0, 0], 'at half of it'],
    [[at('a', 20), at('b', 50, { queueDepth: 45 })], [0, 0], 'those that wait count'],
    [[at('a', 20), at('b', 50, { cpu: 0.9 })], [0, 0], 'idle by requests, not by CPU'],
    [
      [at('a', 20), { region: region('b', 'tokyo'), load: { epoch: 1, sequence: 1, receivedAt: 0, firstByteMs: 50 } }],
      [0, 0],
      'nobody knows how busy it is',
    ],
  ] as const) {
    const times = new ServiceTimes()
    times.observe(records)
    t.same(told(times, ['a', 'b']), expected, why)
  }
})

t.test('a report counts once, and one written under load not at all', async t => {
  const times = new ServiceTimes()
  times.observe([at('a', 20), at('b', 50)])
  for (let i = 0; i < 100; i++) times.observe([at('a', 20), at('b', 400)])
  t.same(told(times, ['b']), [30], 'the same report a hundred times')
  for (let i = 1; i < 100; i++) times.observe([at('a', 20), at('b', 400, { inflight: 90, receivedAt: 2000 * i })])
  t.same(told(times, ['b']), [30], 'a busy region is slower, but not by itself')
})

t.test('the 10th percentile of what is reported, whatever the spread', async t => {
  const random = seededRandom(11)
  const times = new ServiceTimes()
  let sum = 0
  for (let i = 0; i < 3000; i++) {
    const receivedAt = 2000 * i
    // Evenly from 100 to 300 ms: a tenth is below 120.
    times.observe([at('a', 20, { receivedAt }), at('b', 100 + randomInteger(random, 201), { receivedAt })])
    if (i >= 1000) sum += times.serviceMs('b') / 2000
  }
  t.ok(Math.abs(sum - 100) < 10, `${sum} is 120 above 20`)
})

t.test('a region that has become faster or slower is believed, the faster one sooner', async t => {
  const reach = (from: number, to: number): number => {
    const times = new ServiceTimes()
    times.observe([at('a', 20), at('b', from)])
    let seconds = 0
    const far = () => Math.abs(times.serviceMs('b') - (to - 20)) > 0.1 * to
    while (far() && seconds < 3600) {
      seconds += 2
      const receivedAt = 1000 * seconds
      times.observe([at('a', 20, { receivedAt }), at('b', to, { receivedAt })])
    }
    return seconds
  }
  const [faster, slower] = [reach(200, 50), reach(50, 200)]
  t.ok(faster <= 90, `faster after ${faster} s`)
  t.ok(slower > 5 * faster && slower <= 900, `slower after ${slower} s`)
})

t.test('one report after a long silence, or with a clock set back, does not decide', async t => {
  for (const receivedAt of [1e9, -1e9]) {
    const times = new ServiceTimes()
    times.observe([at('a', 20), at('b', 100)])
    times.observe([at('a', 20), at('b', 1, { receivedAt })])
    t.ok(times.serviceMs('b') >= 55, `${times.serviceMs('b')} at ${receivedAt}`)
  }
})

t.test('what is told stays while it changes little', async t => {
  const times = new ServiceTimes()
  times.observe([at('a', 20), at('b', 120)])
  for (let i = 1; i < 50; i++) {
    times.observe([at('a', 20, { receivedAt: 2000 * i }), at('b', 118 + 4 * (i % 2), { receivedAt: 2000 * i })])
    t.equal(times.serviceMs('b'), 100)
  }
})

t.test('a region that has left is forgotten, and no measure for the others', async t => {
  const times = new ServiceTimes()
  times.observe([at('a', 20), at('b', 50), at('c', 60)])
  t.same(told(times, ['a', 'b', 'c']), [0, 30, 40])
  times.observe([at('b', 50), at('c', 60)])
  t.same(told(times, ['a', 'b', 'c']), [0, 0, 10])
})
