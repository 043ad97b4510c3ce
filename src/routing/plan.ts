/**
 * A plan: for one audience, the regions that fit and their slow costs. A ranking: the same in order, with what the
 * current snapshot says. Both are made on first use; a plan lives as long as the fleet's layout, a ranking as long as
 * no region's condition or toll changes.
 */

import type { Rule } from '../config/rule.ts'
import { tiers } from '../regions/region.ts'
import { isDegraded, type Reason } from './decision.ts'
import { drained, type FleetCondition, type FleetLayout, usable } from './fleet.ts'
import { smallestRelativeWeight, windowMs } from './pick.ts'

/** What an audience asked for since it was last counted; decisions raise it. */
export interface Arrivals {
  /** Sent one by one. */
  requests: number
  /** Answers that stand for several. */
  answers: number
}

export interface Plan {
  /** Region indices of all that are not forbidden by rule, residency, capability or family, ascending. */
  readonly regions: Uint16Array
  readonly slowMs: Float64Array
  /** Which serve first, 0, and which only when those cannot: the place of a region's tier in the rule's list if it is strict. */
  readonly group: Uint8Array
  /** Requests of the audience since they were last counted. */
  readonly arrivals: Arrivals
}

/** Group of the regions of weight 0, which serve when no other can: behind the declared ones and every tier. */
const reserve = 1 + tiers.length

/**
 * @param fits 1 for each region that the audience may use
 * @param declared 1 for each region of the declared default order, where that is to go before tiers
 */
export function makePlan(
  rule: Rule,
  layout: FleetLayout,
  fits: Uint8Array,
  slowCosts: Float64Array,
  declared: Uint8Array | undefined,
): Plan {
  const groupOf = Uint8Array.from(tiers, tier => (rule.strict ? Math.max(0, rule.tiers.indexOf(tier)) : 0))
  const groupAt = (region: number): number => {
    if (layout.regions[region]!.weight === 0) return reserve
    const group = groupOf[layout.tier[region]!]!
    if (declared === undefined) return group
    return declared[region] === 1 ? 0 : 1 + group
  }
  const count = fits.reduce((sum, fit) => sum + fit, 0)
  const plan = {
    regions: new Uint16Array(count),
    slowMs: new Float64Array(count),
    group: new Uint8Array(count),
    arrivals: { requests: 0, answers: 0 },
  }
  let at = 0
  for (let region = 0; region < fits.length; region++) {
    if (fits[region] === 0) continue
    plan.regions[at] = region
    plan.slowMs[at] = slowCosts[region]!
    plan.group[at] = groupAt(region)
    at++
  }
  return plan
}

export interface Ranking {
  /** Usable regions by group and cost, then the doubtful ones. Where none is usable the doubtful ones take their place. */
  readonly regions: Uint16Array
  /** Slow cost, toll and service, ms; no barrier. */
  readonly costMs: Float64Array
  /** How many are not in doubt, or all where all are. */
  readonly count: number
  /** Ends of the tier groups, ascending. What stands behind the last end is never chosen, but is there for failover. */
  readonly groupEnds: readonly number[]
  /** Why the first would be chosen. */
  readonly reason: Reason
  /** Weights for the pick among the first of the first group, while no barrier is up. */
  readonly weights: Float64Array
  /** That of the plan; where a pin or a last resort chose, nobody counts them. */
  readonly arrivals: Arrivals
}

export function makeRanking(
  plan: Plan,
  layout: FleetLayout,
  condition: FleetCondition,
  rule: Rule,
  temperatureMs: number,
  reason: 'least-cost' | 'default-order',
): Ranking {
  const { order, costs, certain, undrained } = sortPlan(plan, condition)
  const count = certain > 0 ? certain : undrained
  const regions = new Uint16Array(undrained)
  const costMs = new Float64Array(undrained)
  const groupEnds: number[] = []
  let group = -1
  for (let i = 0; i < undrained; i++) {
    const position = positionIn(order[i]!)
    regions[i] = plan.regions[position]!
    costMs[i] = costs[position]!
    if (i < count && plan.group[position] !== group) {
      if (i > 0) groupEnds.push(i)
      group = plan.group[position]!
    }
  }
  if (count > 0) groupEnds.push(count)
  return {
    regions,
    costMs,
    count,
    groupEnds,
    reason: certain > 0 ? reason : undrained > 0 ? 'doubtful' : 'none',
    weights: headWeights(regions, costMs, groupEnds[0] ?? 0, layout, rule, temperatureMs),
    arrivals: plan.arrivals,
  }
}

export function costAt({ regions, slowMs }: Plan, { tollMs, serviceMs }: FleetCondition, position: number): number {
  const region = regions[position]!
  return slowMs[position]! + tollMs[region]! + serviceMs[region]!
}

/**
 * Positions in the plan in the order of doubt, group, cost, region: each packed with its position into one number, so
 * that the engine's own sort of numbers does the work. Costs are told apart to a microsecond.
 */
function sortPlan(plan: Plan, condition: FleetCondition) {
  const order = new Float64Array(plan.regions.length)
  const costs = new Float64Array(plan.regions.length)
  let certain = 0
  let undrained = 0
  for (let position = 0; position < plan.regions.length; position++) {
    const doubt = condition.doubt[plan.regions[position]!]!
    if (doubt === drained) continue
    if (doubt === usable) certain++
    const costMs = costAt(plan, condition, position)
    costs[position] = costMs
    const microseconds = Math.floor((costMs + costShiftMs) * 1000 + 0.5)
    const cost = Math.min(costLimit - 1, Math.max(0, microseconds))
    order[undrained++] = ((doubt * groupLimit + plan.group[position]!) * costLimit + cost) * positionLimit + position
  }
  return { order: order.subarray(0, undrained).sort(), costs, certain, undrained }
}

/** 16 bits of position, 28 of cost (268 s less the shift), 3 of group, 1 of doubt: 48 of the 53 that a number has. */
const positionLimit = 2 ** 16
const costLimit = 2 ** 28
const groupLimit = 8
/** The lowest that a bias may go. */
const costShiftMs = 10_000

/** The position that was packed into a number: its lowest 16 bits. The operator % takes ten times as long for these. */
function positionIn(packed: number): number {
  return packed - Math.floor(packed / positionLimit) * positionLimit
}

/** A ranking that chooses one region whatever its load; the others, if there are to be any, are for failover. */
export function rankFirst(
  region: number,
  costMs: number,
  reason: 'last-resort' | 'pinned',
  others: Ranking | undefined,
): Ranking {
  const positions = others === undefined ? [] : [...others.regions.keys()].filter(i => others.regions[i] !== region)
  const certain = others === undefined || isDegraded(others.reason) ? 0 : positions.filter(i => i < others.count).length
  return {
    regions: Uint16Array.from([region, ...positions.map(i => others!.regions[i]!)]),
    costMs: Float64Array.from([costMs, ...positions.map(i => others!.costMs[i]!)]),
    count: 1 + certain,
    groupEnds: [1],
    reason,
    weights: Float64Array.of(1),
    arrivals: { requests: 0, answers: 0 },
  }
}

/** Weights of the cheapest regions of the first group, as far as the window of the pick reaches. */
function headWeights(
  regions: Uint16Array,
  costMs: Float64Array,
  groupEnd: number,
  layout: FleetLayout,
  rule: Rule,
  temperatureMs: number,
): Float64Array {
  const limit = (costMs[0] ?? 0) + windowMs(temperatureMs)
  let end = Math.min(1, groupEnd)
  if (rule.pick === 'weighted') while (end < groupEnd && costMs[end]! <= limit) end++
  const weights = new Float64Array(end)
  for (let i = 0; i < end; i++) {
    weights[i] = weightOf(costMs[i]! - costMs[0]!, layout.regions[regions[i]!]!.weight, temperatureMs)
  }
  return weights
}

/** Softmax weight of a region that is `excessMs` dearer than the cheapest. */
export function weightOf(excessMs: number, weight: number, temperatureMs: number): number {
  const relative = Math.exp(-excessMs / temperatureMs)
  return relative < smallestRelativeWeight ? 0 : weight * relative
}
