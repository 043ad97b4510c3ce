/**
 * Nearest: every client goes to the region of the least believed round trip that lives, however full it is. What plain
 * geographic DNS does.
 */

import type { Policy } from '../policy.ts'
import { leastBy, reportingRouters } from './reported-fleet.ts'

export const nearest: Policy = {
  name: 'nearest',
  createRouters: world =>
    reportingRouters(world, () => (_fleet, candidates, city) => {
      const row = city * world.regions.length
      return leastBy(candidates, region => world.knownMs[row + region]!)
    }),
}
