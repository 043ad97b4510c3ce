/**
 * Power of two choices (Mitzenmacher 2001): of two regions drawn by their slots, the one that reported less load; the
 * nearer of equals. Spreads load well and knows nothing of distance.
 */

import type { Random } from '../../clock.ts'
import type { Policy } from '../policy.ts'
import { reportingRouters, routerRandom } from './reported-fleet.ts'

export const powerOfTwo: Policy = {
  name: 'power-of-two',
  createRouters(world) {
    const slots = world.regions.map(region => region.capacityRequests!)
    return reportingRouters(world, router => {
      const random = routerRandom(world, router)
      return ({ utilisation }, candidates, city) => {
        const first = draw(candidates, slots, random)
        const others = candidates.filter(region => region !== first)
        if (others.length === 0) return first
        const second = draw(others, slots, random)
        const row = city * world.regions.length
        const isNearer = world.knownMs[row + second]! < world.knownMs[row + first]!
        if (utilisation[first] === utilisation[second]) return isNearer ? second : first
        return utilisation[second]! < utilisation[first]! ? second : first
      }
    })
  },
}

/** One of them, each as likely as it is large; −1 of none. */
function draw(candidates: readonly number[], slots: readonly number[], random: Random): number {
  let rest = random() * candidates.reduce((sum, region) => sum + slots[region]!, 0)
  for (const region of candidates) {
    rest -= slots[region]!
    if (rest < 0) return region
  }
  return candidates.at(-1) ?? -1
}
