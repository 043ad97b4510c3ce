import t from 'tap'
import { barrierOf, Loads, reportedPressure } from '../../src/routing/load.ts'
import { load, region, state } from '../support/world.ts'

const rounded = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Math.round(value * 100) / 100

t.test('an old report fades, what we sent since stays', async t => {
  for (const [inflight, ageMs, sent, expected, why] of [
    [50, 0, 0, 0.5, 'fresh: as reported'],
    [50, 4_000, 0, 0.18, 'one stay later: e^-1 of it'],
    [50, 4_000, 30, 0.48, 'and what we sent meanwhile'],
    [0, 0, 100, 1, 'all of it sent by us'],
  ] as const) {
    const states = [state(region('a', 'tokyo'), { load: load(inflight, 100, { latencyMs: 4_000 }) })]
    const loads = new Loads(states, 0)
    loads.advance(ageMs)
    for (let i = 0; i < sent; i++) loads.dispatch(0)
    t.equal(rounded(loads.utilisation(0)), expected, why)
  }
})

t.test('a new report contains what was sent before it', async t => {
  const spec = region('a', 'tokyo', { capacityRequests: 100 })
  const loads = new Loads([state(spec)], 0)
  for (let i = 0; i < 40; i++) loads.dispatch(0)
  t.equal(loads.utilisation(0), 0.4)
  loads.update([state(spec, { load: load(25, 100, { receivedAt: 500 }) })], 500)
  t.equal(loads.utilisation(0), 0.25)
  loads.update([state(spec, { load: load(25, 100, { receivedAt: 500 }) })], 500)
  loads.dispatch(0)
  t.equal(loads.utilisation(0), 0.26, 'the same report again changes nothing')
})

t.test('the worst of what is reported counts', async t => {
  for (const [more, expected, why] of [
    [{}, 0, 'nothing but requests'],
    [{ queueDepth: 30, queueLimit: 50 }, 0.6, 'queue over its limit'],
    [{ queueDepth: 30 }, 0, 'a queue without a limit says nothing'],
    [{ kvCache: 0.6 }, 0.75, 'KV cache over 0.8'],
    [{ cpu: 0.95 }, 1, 'CPU over 0.95'],
    [{ memory: 0.9 }, 0, 'memory only above 0.9'],
    [{ memory: 0.97 }, 0.97, 'and then it does'],
    [{ cpu: 0.19, kvCache: 0.4, memory: 0.2 }, 0.5, 'the worst one'],
  ] as const) {
    t.equal(rounded(reportedPressure(load(0, 100, more))), expected, why)
  }
})

t.test('the wall rises from 95 %', async t => {
  for (const [utilisation, expected] of [
    [0, 0],
    [0.95, 0],
    [0.975, 200],
    [1, 400],
    [1.15, 1600],
    [9, 1600],
  ] as const) {
    t.equal(Math.round(barrierOf(utilisation)), expected, `${utilisation}`)
  }
})

t.test('small regions count the request about to be sent', async t => {
  for (const [capacity, sent, full] of [
    [10, 9, false],
    [10, 10, true],
    [100, 100, false],
    [100, 101, true],
  ] as const) {
    const loads = new Loads([state(region('a', 'tokyo', { capacityRequests: capacity }))], 0)
    for (let i = 0; i < sent; i++) loads.dispatch(0)
    t.equal(loads.isFull(0), full, `${sent} of ${capacity}`)
  }
})

t.test('a region without a capacity has no wall', async t => {
  const loads = new Loads([state(region('a', 'tokyo'))], 0)
  for (let i = 0; i < 10_000; i++) loads.dispatch(0)
  t.equal(loads.utilisation(0), undefined)
  t.equal(loads.barrier[0], 0)
})

t.test('how many walls are up is counted both ways', async t => {
  const loads = new Loads([state(region('a', 'tokyo', { capacityRequests: 30 }))], 0)
  t.equal(loads.raised, 0)
  for (let i = 0; i < 60; i++) loads.dispatch(0)
  t.equal(loads.raised, 1)
  loads.advance(60_000)
  t.equal(loads.raised, 0)
})
