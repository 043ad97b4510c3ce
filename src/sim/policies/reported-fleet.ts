/** What the simple policies know of the fleet: which regions live, and the load that each last reported. */

import type { Random } from '../../clock.ts'
import type { Snapshot } from '../../regions/snapshot.ts'
import type { SimulatedRouter } from '../policy.ts'
import { seededRandom } from '../random.ts'
import type { World } from '../world.ts'

export class ReportedFleet {
  /** Regions that are thought to live, in ascending order; all when none is. */
  #living: readonly number[]
  /** Busy and waiting over slots, as last reported; 0 where nothing was. */
  readonly utilisation: Float64Array

  constructor(world: World) {
    this.#living = [...world.regions.keys()]
    this.utilisation = new Float64Array(world.regions.length)
  }

  useSnapshot({ regions }: Snapshot): void {
    const living: number[] = []
    regions.forEach(({ verdict, load }, region) => {
      if (verdict.condition === 'up' || verdict.condition === 'impaired') living.push(region)
      const { inflight = 0, queueDepth = 0, capacityRequests } = load ?? {}
      this.utilisation[region] = capacityRequests === undefined ? 0 : (inflight + queueDepth) / capacityRequests
    })
    this.#living = living.length > 0 ? living : [...regions.keys()]
  }

  /** Regions that may be chosen, in ascending order. */
  candidates(avoid: readonly number[]): readonly number[] {
    return avoid.length === 0 ? this.#living : this.#living.filter(region => !avoid.includes(region))
  }
}

/** The candidate of the least cost, of those that are alike the first; −1 of none. */
export function leastBy(candidates: readonly number[], cost: (region: number) => number): number {
  let best = -1
  let least = Number.POSITIVE_INFINITY
  for (const region of candidates) {
    const its = cost(region)
    if (best >= 0 && its >= least) continue
    best = region
    least = its
  }
  return best
}

/** How a request's region follows from what was reported and what routers believe of the network. */
export type Rule = (fleet: ReportedFleet, candidates: readonly number[], city: number) => number

/** Routers that know nothing but reports; `makeRule` is called once for each, with its number. */
export function reportingRouters(world: World, makeRule: (router: number) => Rule): SimulatedRouter[] {
  return Array.from({ length: world.routers.count }, (_, router) => {
    const fleet = new ReportedFleet(world)
    const rule = makeRule(router)
    return {
      choose: (city, _network, _transport, _now, avoid) => rule(fleet, fleet.candidates(avoid), city),
      useSnapshot: snapshot => fleet.useSnapshot(snapshot),
    }
  })
}

/** Chance of one router, of its own in every world and apart from the engine's. */
export function routerRandom(world: World, router: number): Random {
  return seededRandom(Math.imul(world.seed, 0x9e3779b1) + 1000 + router)
}
