/**
 * Two routers, a dozen agents and a Redis, all real processes, and everything that happens to such a fleet: no client request
 * fails, no region is lost, both routers come to the same answers. How fast they do is for `npm run chaos` to say.
 */

import t from 'tap'
import { seededRandom } from '../support/seeded-random.ts'
import { faults } from './faults.ts'
import { startTrialFleet } from './fleet.ts'
import { startTraffic } from './traffic.ts'
import { runFault } from './trial.ts'
import { untilWhole } from './views.ts'

const leaseMs = 2_000
const random = seededRandom(1)

const fleet = await startTrialFleet(t, leaseMs)
await untilWhole(fleet)
const traffic = startTraffic(t, fleet, random)
await traffic.another()

let hanging = false
for (const [name, fault] of Object.entries(faults)) {
  t.test(`${name}: nobody fails, nothing is lost`, async t => {
    if (hanging) return t.fail('an earlier fault never ended: this fleet says nothing any more')
    hanging = true
    const outcome = await runFault(name, fault, { fleet, traffic, random, awayMs: 1.25 * leaseMs })
    hanging = false
    t.ok(outcome.requests > 0, 'clients came')
    t.same(outcome.failedRequests, [], 'no client request fails')
    t.same(outcome.broken, [], 'nothing registered, drained or accepted is lost')
    t.same(outcome.writes?.wrong ?? [], [], 'a write is taken, or refused as it should be')
  })
}
