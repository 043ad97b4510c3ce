/**
 * Round robin over the same capacity: every router deals its requests out in turn, to each region in proportion to its
 * slots and spread as evenly as that allows (smooth weighted round robin, as in nginx). Knows neither distance nor load.
 */

import type { Policy } from '../policy.ts'
import { leastBy, reportingRouters } from './reported-fleet.ts'

export const roundRobin: Policy = {
  name: 'round-robin',
  createRouters(world) {
    const slots = world.regions.map(region => region.capacityRequests!)
    return reportingRouters(world, () => {
      /** What each region is owed, in slots. */
      const credit = new Float64Array(slots.length)
      return (_fleet, candidates) => {
        let turn = 0
        for (const region of candidates) {
          credit[region]! += slots[region]!
          turn += slots[region]!
        }
        const next = leastBy(candidates, region => -credit[region]!)
        if (next >= 0) credit[next]! -= turn
        return next
      }
    })
  },
}
