import t from 'tap'
import { believedCapacity, believedStayMs, reportedPressure } from '../../src/routing/reported-load.ts'
import { load, region } from '../support/world.ts'

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
    t.equal(Math.round(100 * reportedPressure(load(0, 100, more))) / 100, expected, why)
  }
})

t.test('capacity: as reported, but no wonders', async t => {
  for (const [declared, reported, expected, why] of [
    [100, 60, 60, 'half of it is gone'],
    [100, 300, 300, 'it has grown'],
    [100, 1e9, 400, 'not that much'],
    [100, undefined, 100, 'as declared'],
    [undefined, 1e9, 1e9, 'nobody knows better'],
    [undefined, undefined, Number.NaN, 'nobody knows'],
  ] as const) {
    const spec = region('a', 'tokyo', declared === undefined ? {} : { capacityRequests: declared })
    const report = reported === undefined ? undefined : load(0, reported)
    t.same(believedCapacity(spec, report), expected, why)
  }
})

t.test('stay: what has waited before is not taken for what is served', async t => {
  for (const [more, expected, why] of [
    [{ latencyMs: 4000, inflight: 100, requestsPerSecond: 25 }, 4000, 'as reported, and as arrivals have it'],
    [{ latencyMs: 90_000, inflight: 100, requestsPerSecond: 25 }, 5000, 'a quarter above what arrivals make of it'],
    [{ latencyMs: 4000, inflight: 3, requestsPerSecond: 25 }, 4000, 'of three nothing can be said'],
    [{ latencyMs: 4000, inflight: 100 }, 4000, 'nothing is known of arrivals'],
  ] as const) {
    t.equal(believedStayMs(load(0, 100, more)), expected, why)
  }
})

t.test('stay: within bounds', async t => {
  for (const [latencyMs, expected] of [
    [0, 1],
    [250, 250],
    [1e9, 600_000],
  ] as const) {
    t.equal(believedStayMs(load(0, 100, { latencyMs })), expected)
  }
})
