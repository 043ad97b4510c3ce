/**
 * Optimum split: every request by lot, with the shares that the optimum gives to its city at this time. Nobody could know
 * them in a real fleet. The yardstick for how calm a fleet can be: it never reacts, so all that moves is chance.
 */

import { intervalAt, type Optimum } from '../optimum.ts'
import type { Policy } from '../policy.ts'
import { leastBy, routerRandom } from './reported-fleet.ts'

/** @param optimum undefined: nobody asks, or nobody can serve; whoever tries all the same is sent to the nearest */
export function optimumSplit(optimum: Optimum | undefined): Policy {
  return {
    name: 'optimum-split',
    createRouters(world) {
      const all = [...world.regions.keys()]
      return Array.from({ length: world.routers.count }, (_, router) => {
        const random = routerRandom(world, router)
        return {
          choose(city, _network, _transport, now, avoid) {
            const row = city * all.length
            const shares = optimum === undefined ? undefined : intervalAt(optimum, now).shares
            let rest = random()
            const drawn = all.find(region => {
              rest -= shares?.[row + region] ?? 0
              return rest < 0
            })
            if (drawn !== undefined && !avoid.includes(drawn)) return drawn
            const others = all.filter(region => !avoid.includes(region))
            return leastBy(others, region => world.truthMs[row + region]!)
          },
          useSnapshot() {},
        }
      })
    },
  }
}
