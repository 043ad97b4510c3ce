/**
 * Tolls: what a region that is persistently full costs everyone on top, so that those with the best alternative leave first.
 *
 * One router works them out for all, every second or two, from what all routers are asked for: no waiting to see what
 * happens, which answers that live for a minute would make swing. What the model gets wrong (requests that stay longer than
 * reported, traffic from elsewhere, resolvers that ask for many) shows as a lasting difference between the slots that the
 * model expects to be taken and those that are; a slow factor for each region takes it in.
 */

import type { DemandSums } from '../../regions/router-sums.ts'
import { type FleetCondition, usable } from '../fleet.ts'
import type { Workings } from '../workings.ts'
import { smoothing } from './demand-meter.ts'
import { poseProblem } from './pose-problem.ts'
import { slotsTaken, solveTolls, type TollProblem } from './solve-tolls.ts'

/** Share of its capacity that a region is filled to; the fleet's own utilisation and this much more where that is higher. */
const leastTarget = 0.95
const targetMargin = 0.03
/** How slowly the model is believed to be wrong, ms, and by how much at most. */
const correctionMs = 20_000
const mostCorrection = 2

/** ms by region id; regions without a toll may be absent. */
export type Tolls = ReadonlyMap<string, number>

export class TollController {
  #tolls: Tolls = new Map()
  /** Slots taken over slots expected, by region id. */
  #corrections = new Map<string, number>()
  #steppedAt: number | undefined

  /** Goes on from the tolls of the router that did this before. */
  resume(tolls: Tolls): void {
    this.#tolls = tolls
  }

  /**
   * @param condition as the snapshot has it; its tolls do not matter
   * @param everyone what all routers said, this one included
   * @param now ms on this router's clock
   */
  step(workings: Workings, condition: FleetCondition, everyone: readonly DemandSums[], now: number): Tolls {
    const { layout, loads, settings } = workings
    const elapsed = this.#steppedAt === undefined ? 0 : now - this.#steppedAt
    this.#steppedAt = now
    const taken = Float64Array.from(layout.regions, (_, region) => slotsInUse(loads, region))
    const problem = poseProblem(workings, condition.withoutTolls(), everyone, targetOf(workings, condition, taken))
    const tolls = Float64Array.from(layout.regions, ({ id }) => this.#tolls.get(id) ?? 0)
    const expected = new Float64Array(layout.regions.length)
    slotsTaken(problem, tolls, settings.temperatureMs, expected)
    layout.regions.forEach(({ id }, region) => {
      problem.slotsPerRate[region]! *= this.#correct(id, taken[region]!, expected[region]!, elapsed)
    })
    solveTolls(problem, tolls, settings.temperatureMs)
    takeOffCommonPart(problem, tolls)
    this.#tolls = new Map(layout.regions.map(({ id }, region) => [id, tolls[region]!]))
    return this.#tolls
  }

  #correct(id: string, taken: number, expected: number, elapsed: number): number {
    let correction = this.#corrections.get(id) ?? 1
    if (taken > 1 && expected > 1) {
      const found = Math.min(mostCorrection, Math.max(1 / mostCorrection, taken / expected))
      correction += smoothing(elapsed, correctionMs) * (found - correction)
      this.#corrections.set(id, correction)
    }
    return correction
  }
}

/** What waits for a slot takes none: a queue is what happened before, and no measure of what is asked for now. */
function slotsInUse(loads: Workings['loads'], region: number): number {
  const capacity = loads.capacityNow(region)
  const inflight = loads.inflight(region)
  return Number.isNaN(capacity) ? inflight : Math.min(inflight, capacity)
}

/** A toll on every region that anybody may use says nothing: it moves nobody, and hides what does. */
function takeOffCommonPart({ regions }: TollProblem, tolls: Float64Array): void {
  let least = Number.POSITIVE_INFINITY
  for (const region of regions) least = Math.min(least, tolls[region]!)
  if (least === Number.POSITIVE_INFINITY) return
  for (let region = 0; region < tolls.length; region++) tolls[region] = Math.max(0, tolls[region]! - least)
}

/** Where the whole fleet is fuller than the target, tolls would all rise together and say nothing. */
function targetOf({ layout, loads }: Workings, condition: FleetCondition, taken: Float64Array): number {
  let [slots, sum] = [0, 0]
  for (let region = 0; region < layout.regions.length; region++) {
    const capacity = loads.capacityNow(region)
    if (Number.isNaN(capacity) || condition.doubt[region] !== usable) continue
    slots += capacity
    sum += taken[region]!
  }
  return Math.max(leastTarget, slots > 0 ? sum / slots + targetMargin : 0)
}
