/** What a scenario does to regions, store and routers: at any time they are as the changes of that time want them. */

import { activeChanges, capacityAt } from './demand.ts'
import { event } from './events.ts'
import type { FleetModel } from './fleet-model.ts'
import type { RegionModel } from './region-model.ts'
import type { RequestFlow } from './request-flow.ts'
import type { Schedule } from './schedule.ts'
import type { World } from './world.ts'

/** A region that starts slowly has this part of its slots at once. */
const leastSlots = 0.1
/** How often a region that starts slowly gets more of them, ms. */
const stepMs = 1000

export class Upheavals {
  readonly #world: World
  readonly #schedule: Schedule
  readonly #regions: readonly RegionModel[]
  readonly #fleet: FleetModel
  readonly #flow: RequestFlow

  constructor(world: World, schedule: Schedule, regions: readonly RegionModel[], fleet: FleetModel, flow: RequestFlow) {
    this.#world = world
    this.#schedule = schedule
    this.#regions = regions
    this.#fleet = fleet
    this.#flow = flow
  }

  /** Makes everything as the scenario wants it from now on, and asks to be called again while a region is starting. */
  bringAbout(): void {
    const { now } = this.#schedule
    const active = activeChanges(this.#world, now)
    const isLost = active.some(({ kind }) => kind === 'store-lost')
    this.#fleet.useFaults(isLost, new Set(active.flatMap(change => (change.kind === 'cut-off' ? change.router : []))))
    const slots = capacityAt(this.#world, now)
    let isStarting = false
    this.#regions.forEach((region, place) => {
      const own = active.filter(change => 'regions' in change && change.regions.includes(place))
      const isUp = own.every(({ kind }) => kind !== 'down')
      if (region.isUp && !isUp) this.#flow.loseAll(place)
      region.isUp = isUp
      region.slowness = own.reduce((product, change) => product * (change.kind === 'slow' ? change.factor : 1), 1)
      const ramp = this.#rampOf(place)
      if (ramp < 1) isStarting = true
      region.reportedSlots = slots[place]!
      region.slots = Math.ceil(ramp * slots[place]!)
      this.#flow.fill(region)
    })
    if (isStarting) this.#schedule.after(stepMs, event.change, 0)
  }

  /** Part of its slots that a region can use which came back of late. */
  #rampOf(region: number): number {
    let ramp = 1
    for (const change of this.#world.changes) {
      if (change.kind !== 'down' || !change.regions.includes(region)) continue
      const backMs = this.#schedule.now - change.toMs
      if (backMs >= 0 && backMs < change.slowStartMs) {
        ramp = Math.min(ramp, Math.max(leastSlots, backMs / change.slowStartMs))
      }
    }
    return ramp
  }
}
