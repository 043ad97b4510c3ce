/**
 * A plan: for one audience, the regions that fit, cheapest first by slow cost. A ranking: the same with what the
 * current snapshot says. Both are made on first use; a plan lives as long as the fleet's layout, a ranking as long as
 * no region's condition or toll changes.
 */

import type { Rule } from '../config/rule.ts'
import { doubtful, drained, type FleetCondition, type FleetLayout } from './fleet.ts'
import { smallestRelativeWeight, windowMs } from './pick.ts'

export interface Plan {
  /** Region indices of all that are not forbidden by rule, residency, capability or family. */
  readonly order: Uint16Array
  readonly slowMs: Float64Array
  /** Tier group of each, by place in the rule's list; all 0 where the rule is not strict. */
  readonly group: Uint8Array
}

/** @param fits 1 for each region that the audience may use */
export function makePlan(rule: Rule, layout: FleetLayout, fits: Uint8Array, slowCosts: Float64Array): Plan {
  const groupOf = (region: number): number => (rule.strict ? rule.tiers.indexOf(layout.regions[region]!.tier) : 0)
  const order = [...fits.keys()].filter(region => fits[region] === 1)
  const groups = Uint8Array.from(layout.regions, (_, region) => (fits[region] === 1 ? groupOf(region) : 0))
  // Regions are numbered by id, so that equal costs are settled by name, on every router alike.
  order.sort((a, b) => groups[a]! - groups[b]! || slowCosts[a]! - slowCosts[b]! || a - b)
  return {
    order: Uint16Array.from(order),
    slowMs: Float64Array.from(order, region => slowCosts[region]!),
    group: Uint8Array.from(order, region => groups[region]!),
  }
}

export interface Ranking {
  /** Usable regions by group and cost, then the doubtful ones. Where none is usable the doubtful ones take their place. */
  readonly regions: Uint16Array
  /** Slow cost, toll and service, ms; no barrier. */
  readonly costMs: Float64Array
  /** How many may be chosen: the doubtful ones behind them are only for failover. */
  readonly count: number
  /** Ends of the tier groups, ascending; the last one is `count`. */
  readonly groupEnds: readonly number[]
  /** What those that may be chosen are. */
  readonly basis: 'certain' | 'doubtful' | 'last-resort' | 'pinned'
  /** Weights for the pick among the first of the first group, while no barrier is up. */
  readonly weights: Float64Array
}

export function makeRanking(
  plan: Plan,
  layout: FleetLayout,
  condition: FleetCondition,
  rule: Rule,
  temperatureMs: number,
): Ranking {
  const { doubt, tollMs, serviceMs } = condition
  const certain: Entry[] = []
  const uncertain: Entry[] = []
  for (let i = 0; i < plan.order.length; i++) {
    const region = plan.order[i]!
    if (doubt[region] === drained) continue
    const entry = { region, costMs: plan.slowMs[i]! + tollMs[region]! + serviceMs[region]!, group: plan.group[i]! }
    insert(doubt[region] === doubtful ? uncertain : certain, entry)
  }
  const chosen = certain.length > 0 ? certain : uncertain
  const all = certain.length > 0 ? [...certain, ...uncertain] : uncertain
  const groupEnds = chosen.flatMap((entry, i) => (chosen[i + 1]?.group === entry.group ? [] : [i + 1]))
  return {
    regions: Uint16Array.from(all, entry => entry.region),
    costMs: Float64Array.from(all, entry => entry.costMs),
    count: chosen.length,
    groupEnds,
    basis: certain.length > 0 ? 'certain' : 'doubtful',
    weights: headWeights(chosen.slice(0, groupEnds[0] ?? 0), layout, rule, temperatureMs),
  }
}

/** A ranking of one region before all others, or instead of them. */
export function rankFirst(
  region: number,
  costMs: number,
  basis: 'last-resort' | 'pinned',
  others: Ranking | undefined,
): Ranking {
  const positions = others === undefined ? [] : [...others.regions.keys()].filter(i => others.regions[i] !== region)
  const certain = others === undefined ? 0 : positions.filter(i => i < others.count).length
  return {
    regions: Uint16Array.from([region, ...positions.map(i => others!.regions[i]!)]),
    costMs: Float64Array.from([costMs, ...positions.map(i => others!.costMs[i]!)]),
    count: 1 + certain,
    groupEnds: certain > 0 ? [1, 1 + certain] : [1],
    basis,
    weights: Float64Array.of(1),
  }
}

interface Entry {
  readonly region: number
  readonly costMs: number
  readonly group: number
}

/** Insertion from the end: plans come sorted, and only a toll puts an entry out of its place. */
function insert(entries: Entry[], entry: Entry): void {
  let at = entries.length
  while (at > 0 && isBefore(entry, entries[at - 1]!)) at--
  if (at === entries.length) entries.push(entry)
  else entries.splice(at, 0, entry)
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.group !== b.group) return a.group < b.group
  if (a.costMs !== b.costMs) return a.costMs < b.costMs
  return a.region < b.region
}

function headWeights(group: readonly Entry[], layout: FleetLayout, rule: Rule, temperatureMs: number): Float64Array {
  const limit = rule.pick === 'lowest' ? 0 : windowMs(temperatureMs)
  const least = group[0]?.costMs ?? 0
  const end = group.findIndex(entry => entry.costMs > least + limit)
  const head = rule.pick === 'lowest' ? group.slice(0, 1) : group.slice(0, end < 0 ? group.length : end)
  return Float64Array.from(head, ({ region, costMs }) =>
    weightOf(costMs - least, layout.regions[region]!.weight, temperatureMs),
  )
}

/** Softmax weight of a region that is `excessMs` dearer than the cheapest. */
export function weightOf(excessMs: number, weight: number, temperatureMs: number): number {
  const relative = Math.exp(-excessMs / temperatureMs)
  return relative < smallestRelativeWeight ? 0 : weight * relative
}
