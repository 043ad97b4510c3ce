import t from 'tap'
import { Loads } from '../../src/routing/load.ts'
import { load, region, state } from '../support/world.ts'

const rounded = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Math.round(value * 100) / 100

const tokyo = (more = {}) => region('a', 'tokyo', more)
const report = (inflight: number, receivedAt: number, more = {}) =>
  state(tokyo(), { load: load(inflight, 100, { receivedAt, latencyMs: 4_000, ...more }) })

t.test('a first report is taken as what lasts, and what we send comes on top', async t => {
  for (const [inflight, ageMs, sent, expected, why] of [
    [50, 0, 0, 0.5, 'fresh: as reported'],
    [50, 4_000, 0, 0.5, 'one stay later: nothing says that it has changed'],
    [50, 4_000, 30, 0.8, 'and what we sent meanwhile'],
    [0, 0, 100, 1, 'all of it sent by us'],
  ] as const) {
    const loads = new Loads([report(inflight, 0)], 0)
    loads.advance(ageMs)
    for (let i = 0; i < sent; i++) loads.dispatch(0)
    t.equal(rounded(loads.utilisation(0)), expected, why)
  }
})

t.test('a peak that is reported fades as fast as requests end', async t => {
  const loads = new Loads([report(20, 0)], 0)
  loads.update([report(80, 2_000)], 2_000)
  t.equal(rounded(loads.utilisation(0)), 0.8)
  loads.advance(6_000)
  const lasting = 20 + 60 * (1 - Math.exp(-0.2))
  t.equal(rounded(loads.utilisation(0)), rounded((lasting + (80 - lasting) * Math.exp(-1)) / 100))
})

t.test('a report is held against what was believed when it was written, not when it comes', async t => {
  const loads = new Loads([report(0, 0)], 0)
  loads.advance(1_000)
  for (let i = 0; i < 40; i++) loads.begin(0, -1)
  loads.advance(1_900)
  // Written before those 40 came, heard of after: they are not in it.
  loads.update([report(0, 900)], 2_000)
  t.equal(rounded(loads.utilisation(0)), 0.4)
  loads.advance(2_900)
  loads.update([report(40, 2_500)], 3_000)
  t.equal(rounded(loads.utilisation(0)), 0.4, 'and now they are')
})

t.test('the same report again changes nothing', async t => {
  const loads = new Loads([report(25, 500)], 500)
  loads.dispatch(0)
  loads.update([report(25, 500)], 500)
  t.equal(loads.utilisation(0), 0.26)
})

t.test('reports are stamped by a clock of their own', async t => {
  const loads = new Loads([], 0)
  t.equal(loads.raised, 0)
  const other = new Loads([report(10, 1_000_000)], 5_000, { clockOffsetMs: -996_000 })
  t.equal(other.reportAgeMs(0), 1_000)
})

t.test('what is followed counts until it ends', async t => {
  const loads = new Loads([state(tokyo({ capacityRequests: 100 }))], 0)
  for (let i = 0; i < 50; i++) {
    loads.dispatch(0)
    loads.begin(0, 0)
  }
  loads.advance(60_000)
  t.equal(loads.utilisation(0), 0.5, 'a minute is nothing to it')
  for (let i = 0; i < 50; i++) loads.end(0)
  t.equal(loads.utilisation(0), 0)
})

t.test('what goes elsewhere than decided is counted there', async t => {
  const loads = new Loads(
    [state(tokyo({ capacityRequests: 10 })), state(region('b', 'tokyo', { capacityRequests: 10 }))],
    0,
  )
  loads.dispatch(0)
  loads.begin(1, 0)
  t.equal(loads.utilisation(0), 0)
  t.equal(loads.utilisation(1), 0.1)
})

t.test('an answer stands for what comes of it over its lifetime', async t => {
  const loads = new Loads([report(0, 0, { latencyMs: 1_000 })], 0, { answerLifetimeMs: 20_000 })
  // 40 requests over 20 s, each there for 1 s: two at a time.
  loads.answer(0, 40)
  t.equal(rounded(loads.inflight(0)), 2)
  loads.advance(20_000)
  t.equal(rounded(loads.inflight(0)), rounded(2 / Math.E))
})

t.test('what the other routers have there counts, too', async t => {
  const loads = new Loads([state(tokyo({ capacityRequests: 100 }))], 0)
  loads.dispatch(0)
  loads.useOthers(Float64Array.of(30), Float64Array.of(9))
  t.equal(loads.utilisation(0), 0.4)
  loads.useOthers(Float64Array.of(0), Float64Array.of(0))
  t.equal(loads.utilisation(0), 0.01)
})

t.test('a region that always says that it is idle is not believed altogether', async t => {
  const loads = new Loads([report(0, 0)], 0)
  for (let i = 0; i < 200; i++) loads.begin(0, -1)
  for (let second = 1; second <= 60; second++) loads.update([report(0, 1000 * second)], 1000 * second)
  t.equal(rounded(loads.utilisation(0)), 0.9, 'what is followed and not over must be somewhere')
})

t.test('full is what has no more than the last slots', async t => {
  for (const [capacity, sent, full] of [
    [10, 9, false],
    [10, 10, true],
    [100, 94, false],
    [100, 95, true],
  ] as const) {
    const loads = new Loads([state(tokyo({ capacityRequests: capacity }))], 0)
    for (let i = 0; i < sent; i++) loads.dispatch(0)
    t.equal(loads.isFull(0), full, `${sent} of ${capacity}`)
  }
})

t.test('a region without a capacity has no wall', async t => {
  const loads = new Loads([state(tokyo())], 0)
  for (let i = 0; i < 10_000; i++) loads.dispatch(0)
  t.equal(loads.utilisation(0), undefined)
  t.equal(loads.barrier[0], 0)
})

t.test('but it has one when its cache is full', async t => {
  const loads = new Loads([state(tokyo(), { load: { epoch: 1, sequence: 1, receivedAt: 0, kvCache: 0.8 } })], 0)
  t.equal(loads.utilisation(0), 1)
  t.ok(loads.barrier[0]! > 20)
})

t.test('what it said of its cache is forgotten when it says no more', async t => {
  const loads = new Loads([state(tokyo(), { load: { epoch: 1, sequence: 1, receivedAt: 0, kvCache: 0.8 } })], 0)
  loads.advance(10_000)
  t.equal(loads.utilisation(0), 1)
  loads.advance(20_000)
  t.equal(loads.utilisation(0), 0.5)
})

t.test('how many walls are up is counted both ways', async t => {
  const loads = new Loads([state(tokyo({ capacityRequests: 30 }))], 0)
  t.equal(loads.raised, 0)
  for (let i = 0; i < 60; i++) loads.dispatch(0)
  t.equal(loads.raised, 1)
  loads.advance(60_000)
  t.equal(loads.raised, 0)
})

t.test('other routers that cannot be heard are taken to do as this one does', async t => {
  const loads = new Loads([state(tokyo({ capacityRequests: 100 }))], 0)
  for (let i = 0; i < 10; i++) loads.begin(0, -1)
  loads.useOthers(Float64Array.of(30), Float64Array.of(0))
  t.equal(loads.utilisation(0), 0.4)
  loads.missOthers()
  for (let i = 0; i < 10; i++) loads.begin(0, -1)
  loads.advance(100)
  t.equal(loads.utilisation(0), 0.8, 'three times as many as here, as before')
  loads.useOthers(Float64Array.of(12), Float64Array.of(0))
  loads.advance(200)
  t.equal(loads.utilisation(0), 0.32, 'until they can be heard again')
})

t.test('a stay that is reported anew is worked in slowly', async t => {
  const loads = new Loads([report(0, 0, { latencyMs: 1_000 })], 0)
  t.equal(loads.stay[0], 1_000)
  loads.update([report(0, 2_000, { latencyMs: 2_000 })], 2_000)
  t.equal(Math.round(loads.stay[0]!), 1_095)
  for (let now = 4_000; now <= 120_000; now += 2_000) loads.update([report(0, now, { latencyMs: 2_000 })], now)
  t.ok(loads.stay[0]! > 1_990)
})

t.test('a busy processor is a reason to go elsewhere, and none to answer nobody', async t => {
  for (const [more, full, overloaded, why] of [
    [{ cpu: 1 }, true, false, 'somebody else may keep it busy'],
    [{ kvCache: 0.9 }, true, true, 'more requests make it worse'],
    [{ queueDepth: 10, queueLimit: 10 }, true, true, 'the next is refused'],
    [{ inflight: 97 }, true, false, 'the last slots'],
    [{ inflight: 100 }, true, true, 'no slot'],
    [{}, false, false, 'idle'],
  ] as const) {
    const loads = new Loads([report(0, 0, more)], 0)
    t.same([loads.isFull(0), loads.isOverloaded(0)], [full, overloaded], why)
  }
})

t.test('an answer that lives for many stays does not follow a queue', async t => {
  for (const [latencyMs, answerLifetimeMs, high, why] of [
    [4_000, 30_000, true, 'seven stays: the queue is still there'],
    [100, 30_000, false, 'three hundred: the queue is elsewhere by then'],
  ] as const) {
    const loads = new Loads([report(0, 0, { latencyMs })], 0, { answerLifetimeMs })
    loads.update([report(300, 2_000, { latencyMs })], 2_000)
    t.ok(loads.barrier[0]! > 1.5 * latencyMs, 'a request that comes now waits')
    t.equal(loads.answerBarrier[0]! > latencyMs / 2, high, `${why}: ${loads.answerBarrier[0]}`)
    t.equal(loads.answersRaised > 0, high)
  }
})
