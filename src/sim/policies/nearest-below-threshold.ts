/**
 * Nearest below a threshold, the textbook rule: the nearest region whose reported load is under 85 %, else the one that
 * reported the least. Between two reports everybody follows the same one.
 */

import type { Policy } from '../policy.ts'
import { leastBy, reportingRouters } from './reported-fleet.ts'

const threshold = 0.85

export const nearestBelowThreshold: Policy = {
  name: 'nearest-below-threshold',
  createRouters: world =>
    reportingRouters(world, () => ({ utilisation }, candidates, city) => {
      const row = city * world.regions.length
      const best = leastBy(candidates, region =>
        utilisation[region]! < threshold ? world.knownMs[row + region]! : Number.POSITIVE_INFINITY,
      )
      return best >= 0 && utilisation[best]! < threshold ? best : leastBy(candidates, region => utilisation[region]!)
    }),
}
