/**
 * Meridian: the production router, unchanged, with the clients' cities for a geo database and the simulation's time for a
 * clock. Sums, tolls and flights go the way that the runtime sends them.
 */

import type { Random } from '../../clock.ts'
import { defaultTemperatureMs } from '../../config/schema.ts'
import type { DemandSums, RouterSums } from '../../regions/router-sums.ts'
import type { Snapshot } from '../../regions/snapshot.ts'
import type { Decision } from '../../routing/decision.ts'
import { createRouter, type LiveRouter } from '../../routing/router.ts'
import { TollController } from '../../routing/tolls/toll-controller.ts'
import type { Policy, SimulatedFlight, SimulatedRouter } from '../policy.ts'
import type { Transport, World } from '../world.ts'
import { routerRandom } from './reported-fleet.ts'
import { addressIn, simulatedLocator } from './simulated-locator.ts'

const demandEveryMs = 2000

export const meridian: Policy = {
  name: 'meridian',
  createRouters(world) {
    const locator = simulatedLocator(world)
    const settings = {
      rules: [],
      defaultOrder: [],
      location: undefined,
      temperatureMs: defaultTemperatureMs,
      ...(world.routers.transport.dns > 0 && { answerLifetimeMs: world.routers.ttlMs }),
    }
    const regionOf = new Map(world.regions.map(({ id }, region) => [id, region]))
    return Array.from(
      { length: world.routers.count },
      (_, router) =>
        new ProductionRouter(world, createRouter(settings, locator), regionOf, routerRandom(world, router)),
    )
  },
}

class ProductionRouter implements SimulatedRouter {
  readonly #world: World
  readonly #router: LiveRouter
  readonly #regionOf: ReadonlyMap<string, number>
  /** Draws lots when every region is full. */
  readonly #chance: Random
  readonly #tolls = new TollController()
  #steppedAt = Number.NEGATIVE_INFINITY
  #demandAt = Number.NEGATIVE_INFINITY
  #demand: DemandSums = { demand: [], restPerSecond: 0 }
  #snapshot: Snapshot | undefined
  #decision: Decision | undefined

  constructor(world: World, router: LiveRouter, regionOf: ReadonlyMap<string, number>, chance: Random) {
    this.#chance = chance
    this.#world = world
    this.#router = router
    this.#regionOf = regionOf
  }

  choose(city: number, network: number, transport: Transport, _now: number, avoid: readonly number[]): number {
    const address = addressIn(this.#world, city, network)
    const isAnswer = transport === 'dns'
    const chance = this.#chance()
    const decision = this.#router.route({ address, host: 'simulated', path: '/', method: 'GET', isAnswer, chance })
    this.#decision = decision
    if (decision.shed !== undefined) return -1
    if (avoid.length === 0) return decision.best === undefined ? -1 : this.#regionOf.get(decision.best.id)!
    for (const { region, standing } of decision.ranked) {
      const number = this.#regionOf.get(region.id)!
      // A region that is known to be dead is no way out for what others have refused.
      if (!avoid.includes(number) && (standing !== 'doubtful' || decision.degraded)) return number
    }
    return -1
  }

  follow(region: number): SimulatedFlight {
    const flight = this.#router.follow(this.#decision!, this.#world.regions[region]!.id)
    return {
      refused(spareMs) {
        flight.refused(spareMs)
        return true
      },
      end: () => flight.end(),
    }
  }

  useSnapshot(snapshot: Snapshot, now: number): void {
    this.#snapshot = snapshot
    this.#router.useSnapshot(snapshot, now)
  }

  /** As the runtime tells them: where requests are every time, who asks for how much every other second. */
  sums(now: number): RouterSums {
    if (now - this.#demandAt >= demandEveryMs) {
      this.#demandAt = now
      this.#demand = this.#router.sums(now)
    }
    return { ...this.#demand, ...this.#router.flights() }
  }

  useOthers(sums: readonly unknown[]): void {
    this.#router.useOthers(sums as readonly RouterSums[])
  }

  missOthers(): void {
    this.#router.missOthers()
  }

  computeTolls(everyone: readonly unknown[], now: number): ReadonlyMap<string, number> {
    // Whoever has not led of late goes on from where the one before stopped.
    if (now - this.#steppedAt > 2 * this.#world.routers.tollsEveryMs) {
      this.#tolls.resume(new Map(this.#snapshot?.regions.map(({ region, tollMs }) => [region.id, tollMs])))
    }
    this.#steppedAt = now
    return this.#router.stepTolls(this.#tolls, everyone as readonly RouterSums[], now)
  }

  advance(now: number): void {
    this.#router.advance(now)
  }
}
