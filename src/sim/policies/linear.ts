/**
 * Linear: the least sum of round trip and reported load, at a fixed price of load: 100 ms for a full region. Simple to
 * explain, but the right price depends on who else is asking.
 */

import type { Policy } from '../policy.ts'
import { leastBy, reportingRouters } from './reported-fleet.ts'

const fullMs = 100

export const linear: Policy = {
  name: 'linear',
  createRouters: world =>
    reportingRouters(world, () => ({ utilisation }, candidates, city) => {
      const row = city * world.regions.length
      return leastBy(candidates, region => world.knownMs[row + region]! + fullMs * utilisation[region]!)
    }),
}
