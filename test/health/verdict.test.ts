import t from 'tap'
import { notProbedYet, type ProbeState } from '../../src/health/probe-state.ts'
import { judge } from '../../src/health/verdict.ts'
import type { FleetRecord } from '../../src/regions/store.ts'
import { exampleRegion } from '../support/example-region.ts'

const probed = { publicUrl: 'https://a.example.com', probe: { path: '/healthz', status: 200 } }
const region = exampleRegion('a', { endpoints: probed })
const file: FleetRecord = { region, source: 'file', revision: 0, registeredAt: 0 }
const leased: FleetRecord = {
  region,
  source: 'registered',
  revision: 0,
  registeredAt: 5_000,
  lease: { epoch: 1, expiresAt: 15_000 },
}
const heard: FleetRecord = {
  ...leased,
  lease: { epoch: 1, expiresAt: 19_000 },
  load: { epoch: 1, sequence: 1, receivedAt: 9_000 },
}
const unprobed = exampleRegion('a')
const demanding = exampleRegion('a', { endpoints: probed, requiresLease: true })
const drain = { by: 'ops', at: 0, reason: 'kernel update' }

const well: ProbeState = { condition: 'up', successes: 4, failures: 0 }
const once: ProbeState = { condition: 'impaired', successes: 0, failures: 1, lastFailure: 'connection refused' }
const mending: ProbeState = { condition: 'impaired', successes: 1, failures: 0, lastFailure: 'connection refused' }
const dead: ProbeState = { condition: 'down', successes: 0, failures: 3, lastFailure: 'connect timeout' }
const rising: ProbeState = { condition: 'down', successes: 2, failures: 0, lastFailure: 'connect timeout' }

t.test('operator over lease over probe, each in its own words', async t => {
  for (const [record, probe, now, condition, by, detail] of [
    [{ ...file, region: unprobed }, undefined, 0, 'up', 'default', 'declared in a file, not probed'],
    [{ ...leased, region: unprobed }, undefined, 6_000, 'up', 'lease', 'its lease holds, not probed'],
    [file, undefined, 0, 'up', 'default', 'not probed yet'],
    [file, notProbedYet, 0, 'up', 'default', 'not probed yet'],
    [file, 'off', 0, 'up', 'default', 'not probed: health.enabled is false'],
    [{ ...file, region: unprobed }, 'off', 0, 'up', 'default', 'declared in a file, not probed'],
    [heard, 'off', 21_300, 'down', 'lease', 'no heartbeat for 12.3 s (lease 10 s)'],
    [file, well, 0, 'up', 'probe', 'probes are answered'],
    [file, once, 0, 'impaired', 'probe', '1 failure, last: connection refused'],
    [file, mending, 0, 'impaired', 'probe', '1 success since the last failure: connection refused'],
    [file, dead, 0, 'down', 'probe', '3 failures, last: connect timeout'],
    [file, rising, 0, 'down', 'probe', '2 successes since the last failure: connect timeout'],
    [leased, well, 14_999, 'up', 'probe', 'probes are answered'],
    [leased, well, 15_000, 'down', 'lease', 'no heartbeat for 10 s (lease 10 s)'],
    [heard, well, 21_300, 'down', 'lease', 'no heartbeat for 12.3 s (lease 10 s)'],
    [heard, dead, 21_300, 'down', 'lease', 'no heartbeat for 12.3 s (lease 10 s)'],
    [heard, dead, 10_000, 'down', 'probe', '3 failures, last: connect timeout'],
    [{ ...file, region: demanding }, well, 0, 'down', 'lease', 'has to register before it is used, and never did'],
    [{ ...leased, region: demanding }, well, 6_000, 'up', 'probe', 'probes are answered'],
    [{ ...file, drain }, well, 0, 'draining', 'operator', 'drained by ops: kernel update'],
    [{ ...leased, drain }, dead, 99_000, 'draining', 'operator', 'drained by ops: kernel update'],
    [{ ...file, drain: { ...drain, reason: '' } }, well, 0, 'draining', 'operator', 'drained by ops'],
  ] as const) {
    t.same(judge(record, probe, now), { condition, by, detail }, `${condition} by ${by}: ${detail}`)
  }
})

t.test(
  'an excused lapse leaves a region as its probe says, at most impaired where the fleet fell silent together',
  async t => {
    for (const [record, probe, now, excuse, condition, by, detail] of [
      [
        heard,
        well,
        21_300,
        'unheard',
        'up',
        'lease',
        'no heartbeat for 12.3 s (lease 10 s), but nobody could have heard one',
      ],
      [
        heard,
        well,
        21_300,
        'together',
        'impaired',
        'lease',
        'no heartbeat for 12.3 s (lease 10 s), but too much of the fleet fell silent at once: kept',
      ],
      [heard, dead, 21_300, 'together', 'down', 'probe', '3 failures, last: connect timeout'],
      [heard, dead, 21_300, 'unheard', 'down', 'probe', '3 failures, last: connect timeout'],
      [{ ...heard, drain }, well, 21_300, 'unheard', 'draining', 'operator', 'drained by ops: kernel update'],
      [heard, well, 10_000, 'unheard', 'up', 'probe', 'probes are answered'],
    ] as const) {
      t.same(judge(record, probe, now, excuse), { condition, by, detail }, `${excuse}: ${detail}`)
    }
  },
)
