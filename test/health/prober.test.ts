import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { Clock } from '../../src/clock.ts'
import type { ProbeSettings } from '../../src/health/probe-state.ts'
import { createProber } from '../../src/health/prober.ts'
import type { Region } from '../../src/regions/region.ts'
import { createFakeClock, realClock } from '../support/clocks.ts'
import { exampleRegion } from '../support/example-region.ts'
import { closedPort, startHttpRegion } from '../support/http-region.ts'
import { createRecorder } from '../support/recorder.ts'

const settings: ProbeSettings = { intervalMs: 5_000, recheckMs: 1_000, timeoutMs: 60_000, rise: 2, fall: 3 }
/** The same, for real time: quick, but with a timeout that no slow machine runs into. */
const quick: ProbeSettings = { ...settings, intervalMs: 20, recheckMs: 5 }

t.test('a region that fails and recovers is told of at every turn, and only then', async t => {
  let status = 200
  const requests = createRecorder<number>()
  const { url } = await startHttpRegion(t, (_request, response) => {
    requests.note(status)
    response.writeHead(status).end()
  })
  const { prober, changes, failures } = startProber(t, realClock, quick)
  prober.setTargets([probedRegion('a', url)])
  t.match(prober.stateOf('a'), { condition: 'up', successes: 0, failures: 0 }, 'not probed yet')

  await changes.until(seen => seen.length === 1)
  await requests.until(seen => seen.length >= 5)
  t.same(failures.seen, [])
  status = 503
  await changes.until(seen => seen.at(-1) === 'a down')
  t.match(prober.stateOf('a'), { failures: 3, lastFailure: 'answered 503 instead of 200' })
  t.same(failures.seen, ['a', 'a', 'a'], 'every failure is told of')
  const failed = requests.seen.length
  await requests.until(seen => seen.length >= failed + 5)
  status = 200
  await changes.until(seen => seen.at(-1) === 'a up')
  t.same(changes.seen, ['a up', 'a impaired', 'a down', 'a up'])
})

t.test('one that hangs and one that refuses delay no other', async t => {
  const clock = createFakeClock()
  const hanging = createRecorder<string>()
  const silent = await startHttpRegion(t, ({ url }) => hanging.note(url!))
  const well = await startHttpRegion(t, (_request, response) => response.end())
  const { prober, changes } = startProber(t, clock)
  prober.setTargets([
    probedRegion('silent', silent.url),
    probedRegion('refusing', `http://${await closedPort()}`),
    probedRegion('well', well.url),
  ])
  clock.advance(1_000)
  await hanging.until(seen => seen.length === 1)
  await changes.until(seen => seen.length === 2)
  t.same([...changes.seen].sort(), ['refusing impaired', 'well up'])
  t.same(prober.stateOf('silent'), { condition: 'up', successes: 0, failures: 0 }, 'still being asked')

  clock.advance(60_000)
  await changes.until(seen => seen.includes('silent impaired'))
  t.match(prober.stateOf('silent'), { lastFailure: 'no answer within 60 s' })
})

t.test('a first failure is looked into after a second, a region that is well after five', async t => {
  const clock = createFakeClock()
  const requests = createRecorder<number>()
  let status = 200
  const { url } = await startHttpRegion(t, (_request, response) => {
    requests.note(clock.now())
    response.writeHead(status).end()
  })
  const { prober } = startProber(t, clock)
  prober.setTargets([probedRegion('a', url)])
  const outcomeAfter = async (ms: number) => {
    const before = prober.stateOf('a')
    clock.advance(ms)
    while (prober.stateOf('a') === before) await nextTurn()
  }
  await outcomeAfter(500)
  clock.advance(4_999)
  t.same(requests.seen, [500])
  status = 500
  await outcomeAfter(1)
  await outcomeAfter(1_000)
  await outcomeAfter(1_000)
  t.equal(prober.stateOf('a')!.condition, 'down')
  await outcomeAfter(5_000)
  t.same(requests.seen, [500, 5_500, 6_500, 7_500, 12_500])
})

t.test('the set of regions may change at any time', async t => {
  const clock = createFakeClock()
  const first = await startHttpRegion(t, (_request, response) => response.end())
  const second = await startHttpRegion(t, (_request, response) => response.writeHead(503).end())
  const { prober, changes } = startProber(t, clock)
  prober.setTargets([probedRegion('a', first.url), exampleRegion('unprobed')])
  t.equal(prober.stateOf('unprobed'), undefined, 'a region without a probe is left alone')
  clock.advance(1_000)
  await changes.until(seen => seen.length === 1)

  const known = prober.stateOf('a')
  prober.setTargets([{ ...probedRegion('a', first.url), weight: 5 }, probedRegion('b', second.url)])
  t.equal(prober.stateOf('a'), known, 'what has nothing to do with probing changes no state')
  clock.advance(1_000)
  await changes.until(seen => seen.length === 2)

  prober.setTargets([probedRegion('a', second.url)])
  t.match(prober.stateOf('a'), { successes: 0, failures: 0 }, 'another origin is another matter')
  t.equal(prober.stateOf('b'), undefined)
  clock.advance(1_000)
  await changes.until(seen => seen.length === 3)
  t.same(changes.seen, ['a up', 'b impaired', 'a impaired'])

  prober.setTargets([])
  t.equal(clock.pending, 0, 'nothing is left running for a region that is gone')
})

t.test('close ends what is under way and is the last that is heard', async t => {
  const clock = createFakeClock()
  const asked = createRecorder<string>()
  const { url } = await startHttpRegion(t, request => asked.note(request.url!))
  const { prober, changes } = startProber(t, clock)
  prober.setTargets([probedRegion('a', url), probedRegion('b', url)])
  clock.advance(1_000)
  await asked.until(seen => seen.length === 2)
  prober.setTargets([probedRegion('a', url)])
  await prober.close()
  t.equal(clock.pending, 0)
  t.same(changes.seen, [])
  await prober.close()
})

function startProber(t: { teardown(close: () => Promise<void>): void }, clock: Clock, probeSettings = settings) {
  const changes = createRecorder<string>()
  const failures = createRecorder<string>()
  const prober = createProber({
    clock,
    random: () => 0.5,
    settings: probeSettings,
    onChange: (id, { condition }) => changes.note(`${id} ${condition}`),
    onFailure: id => failures.note(id),
  })
  t.teardown(() => prober.close())
  return { prober, changes, failures }
}

function probedRegion(id: string, publicUrl: string): Region {
  return exampleRegion(id, { endpoints: { publicUrl, probe: { path: '/healthz', status: 200 } } })
}
