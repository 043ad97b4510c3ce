/** From demand, costs and capacities to the transport problem whose dual the tolls are. */

import type { DemandSums } from '../../regions/router-sums.ts'
import { type FleetCondition, usable } from '../fleet.ts'
import { windowMs } from '../pick.ts'
import { costAt, type Plan } from '../plan.ts'
import type { Workings } from '../workings.ts'
import { AudienceFinder } from './demand-meter.ts'
import { mostTollMs, type TollProblem } from './solve-tolls.ts'

/**
 * @param condition without tolls: they are what is sought
 * @param target share of its capacity that a region may be asked for
 */
export function poseProblem(
  workings: Workings,
  condition: FleetCondition,
  everyone: readonly DemandSums[],
  target: number,
): TollProblem {
  const { layout, loads, settings } = workings
  const starts = [0]
  const regions: number[] = []
  const affinity: number[] = []
  const demand: number[] = []
  for (const { plan, perSecond } of demandByPlan(workings, everyone)) {
    for (const { region, excessMs } of contenders(plan, condition, mostTollMs + windowMs(settings.temperatureMs))) {
      regions.push(region)
      affinity.push(layout.regions[region]!.weight * Math.exp(-excessMs / settings.temperatureMs))
    }
    starts.push(regions.length)
    demand.push(perSecond)
  }
  const room = (region: number): number => {
    const capacity = loads.capacityNow(region)
    return Number.isNaN(capacity) ? Number.POSITIVE_INFINITY : Math.max(1e-9, target * capacity)
  }
  return {
    starts: Int32Array.from(starts),
    regions: Uint16Array.from(regions),
    affinity: Float64Array.from(affinity),
    demand: Float64Array.from(demand),
    slotsPerRate: Float64Array.from(layout.regions, (_, region) => loads.stay[region]! / 1000),
    room: Float64Array.from(layout.regions, (_, region) => room(region)),
  }
}

/** Audiences that share a plan here are one; those of rules or cells that this router does not have are left out. */
function demandByPlan(workings: Workings, everyone: readonly DemandSums[]) {
  const finder = new AudienceFinder(workings)
  const byPlan = new Map<Plan, number>()
  for (const { demand, restPerSecond } of everyone) {
    const listed = demand.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0)
    // Those that are not listed are taken to be spread like those that are.
    const scale = listed > 0 ? 1 + restPerSecond / listed : 1
    for (const each of demand) {
      const found = finder.find(each)
      if (found === undefined) continue
      const plan = workings.audiences.plan(found.variant, found.cell)
      byPlan.set(plan, (byPlan.get(plan) ?? 0) + scale * each.requestsPerSecond)
    }
  }
  return [...byPlan].map(([plan, perSecond]) => ({ plan, perSecond }))
}

/** Usable regions of the first tier that has one, as far as any toll could make them the choice. */
function contenders(plan: Plan, condition: FleetCondition, reachMs: number) {
  let first = Number.POSITIVE_INFINITY
  let least = Number.POSITIVE_INFINITY
  for (const [i, region] of plan.regions.entries()) {
    if (condition.doubt[region] !== usable || plan.group[i]! > first) continue
    const cost = costAt(plan, condition, i)
    least = plan.group[i]! < first ? cost : Math.min(least, cost)
    first = plan.group[i]!
  }
  const found: { readonly region: number; readonly excessMs: number }[] = []
  for (const [i, region] of plan.regions.entries()) {
    if (condition.doubt[region] !== usable || plan.group[i] !== first) continue
    const excessMs = costAt(plan, condition, i) - least
    if (excessMs <= reachMs) found.push({ region, excessMs })
  }
  return found
}
