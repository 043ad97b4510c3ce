/** What regions say of themselves, and when: as an agent does beside a real one. */

import { event } from './events.ts'
import type { FleetModel } from './fleet-model.ts'
import type { RegionModel } from './region-model.ts'
import type { Schedule } from './schedule.ts'
import type { World } from './world.ts'

/** An agent looks at its service more often than it reports, and reports at once when it finds it changed. */
const looksPerReport = 4
const leastLookMs = 250

/** How often an agent looks at its service, ms. */
export function lookEveryMs(reportEveryMs: number): number {
  return Math.max(leastLookMs, reportEveryMs / looksPerReport)
}

export class Reports {
  readonly #routers: World['routers']
  readonly #schedule: Schedule
  readonly #regions: readonly RegionModel[]
  readonly #fleet: Pick<FleetModel, 'takeReport'>
  readonly #reportedAt: Float64Array
  /** What regions have said that is still on its way, by region, the oldest first. */
  readonly #underWay: ReturnType<RegionModel['report']>[][]

  constructor(
    world: World,
    schedule: Schedule,
    regions: readonly RegionModel[],
    fleet: Pick<FleetModel, 'takeReport'>,
  ) {
    this.#routers = world.routers
    this.#schedule = schedule
    this.#regions = regions
    this.#fleet = fleet
    this.#reportedAt = new Float64Array(regions.length)
    this.#underWay = regions.map(() => [])
  }

  /** A region's agent looks at its service, and reports where it is time or something has changed. */
  look(place: number): void {
    const region = this.#regions[place]!
    const { now } = this.#schedule
    const isDue = now - this.#reportedAt[place]! >= this.#routers.reportEveryMs - leastLookMs / 2
    if (!isDue && !region.hasChanged) return
    const report = region.report(now - this.#reportedAt[place]!)
    this.#reportedAt[place] = now
    if (!region.isUp) return
    this.#underWay[place]!.push(report)
    this.#schedule.after(this.#routers.reportDelayMs, event.reported, place)
  }

  /** The oldest report that is under way from a region reaches the store. */
  arrive(place: number): void {
    this.#fleet.takeReport(place, this.#underWay[place]!.shift()!, this.#schedule.now)
  }
}
