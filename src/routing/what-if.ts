/**
 * What a change of the fleet would do to clients: which share of them would go elsewhere, and what that costs them.
 *
 * Asks the same plans and picks as the router does, for every cell and both fleets, without anybody's load: that is what
 * geography and the operator's word alone decide.
 */

import type { Rule } from '../config/rule.ts'
import type { Locator, Pin } from '../geo/location.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import { Audiences } from './audience.ts'
import { CostModel } from './cost.ts'
import { FleetCondition, FleetLayout } from './fleet.ts'
import { RuleTable } from './match-rule.ts'
import type { RouterSettings } from './workings.ts'

/** Shares are fractions of all clients. */
export interface Move {
  /** Region ids; null: no region could serve them. */
  readonly from: string | null
  readonly to: string | null
  readonly share: number
  /** Mean cost for those who move; absent where there is no region. */
  readonly beforeMs?: number
  readonly afterMs?: number
}

export interface WhatIf {
  readonly rule: string
  /** Where a header asks for a capability: values that all do this; empty: requests without the header. */
  readonly capabilities?: readonly string[]
  readonly movedShare: number
  /** Of all clients that have a region. */
  readonly meanBeforeMs: number
  readonly meanAfterMs: number
  /** The largest first. */
  readonly moves: readonly Move[]
}

export interface WhatIfInput {
  readonly before: Snapshot
  readonly after: Snapshot
  readonly settings: RouterSettings
  readonly locator: Locator
  /** Clients by cell, in any unit (`countAddresses`); cells of weight 0 are passed over. */
  readonly weights: ArrayLike<number>
  /** Clients whom an override pins to a region, in the same unit, and not among those of their cell. */
  readonly pinned?: readonly PinnedClients[]
}

export interface PinnedClients {
  readonly cell: number
  readonly pin: Pin
  readonly weight: number
}

/**
 * One answer for each rule, the built-in catch-all last. A rule with a capability from a header has one for requests
 * without it, and one for each value that regions know, as if all clients sent it; values that do the same share one.
 */
export function compareFleets({ before, after, settings, locator, weights, pinned = [] }: WhatIfInput): WhatIf[] {
  const all = new RuleTable(settings.rules).rules
  // A rule that replaces the built-in catch-all has its name.
  const rules = all.filter(({ rule }, place) => all.findIndex(other => other.rule.name === rule.name) === place)
  const asked = [before, after].map(fleet => new SharesOfFleet(fleet, settings, locator)) as [
    SharesOfFleet,
    SharesOfFleet,
  ]
  return rules.flatMap(({ rule, index }) =>
    askedCapabilities(rule, before, after).map(capabilities => {
      const tally = new Tally()
      const add = (cell: number, weight: number, pin?: Pin): void => {
        if (weight === 0) return
        const [from, to] = asked.map(fleet => fleet.sharesOf({ rule: index, cell, capability: capabilities?.[0], pin }))
        tally.add(from!, to!, weight)
      }
      for (let cell = 0; cell < locator.cells.length; cell++) add(cell, weights[cell]!)
      for (const { cell, pin, weight } of pinned) add(cell, weight, pin)
      return { rule: rule.name, ...(capabilities !== undefined && { capabilities }), ...tally.result() }
    }),
  )
}

/** What a rule's requests may ask for: values of its header in groups that the same regions can serve; else nothing else. */
function askedCapabilities({ capability }: Rule, ...fleets: readonly Snapshot[]): (readonly string[] | undefined)[] {
  if (capability === undefined || 'value' in capability) return [undefined]
  const having = new Map<string, string>()
  fleets.forEach((fleet, side) => {
    for (const { region } of fleet.regions)
      for (const name of region.capabilities) having.set(name, `${having.get(name) ?? ''} ${side}:${region.id}`)
  })
  const groups = Map.groupBy([...having.keys()].sort(), name => having.get(name))
  return [[], ...groups.values()]
}

interface Share {
  /** null: nobody serves them. */
  readonly region: string | null
  readonly share: number
  readonly costMs: number
}

interface Clients {
  /** Index of the rule. */
  readonly rule: number
  readonly cell: number
  /** Value of the rule's header. */
  readonly capability: string | undefined
  readonly pin: Pin | undefined
}

/** Which regions take the clients of a cell, and which part of them each. */
class SharesOfFleet {
  readonly #layout: FleetLayout
  readonly #audiences: Audiences
  readonly #rules: RuleTable

  constructor(fleet: Snapshot, settings: RouterSettings, locator: Locator) {
    this.#rules = new RuleTable(settings.rules)
    this.#layout = new FleetLayout(
      fleet.regions.map(state => state.region),
      locator.cells,
    )
    const costs = new CostModel(this.#layout, settings.defaultOrder, settings.location)
    const condition = new FleetCondition(fleet)
    this.#audiences = new Audiences(
      this.#layout,
      costs,
      locator.cells,
      this.#rules.rules,
      condition,
      settings.temperatureMs,
    )
  }

  sharesOf({ rule, cell, capability, pin }: Clients): readonly Share[] {
    const compiled = this.#rules.rules[rule]!
    const wanted = compiled.rule.capability
    const asked = wanted !== undefined && 'value' in wanted ? wanted.value : capability
    const variant = this.#audiences.variant(compiled, asked, undefined)
    const { regions, weights, costMs } =
      pin === undefined ? this.#audiences.ranking(variant, cell) : this.#audiences.pinnedRanking(variant, cell, pin)
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    if (weights.length === 0) return [{ region: null, share: 1, costMs: 0 }]
    return Array.from(weights, (weight, place) => ({
      region: this.#layout.regions[regions[place]!]!.id,
      // With no weight at all the first serves, as in the pick.
      share: total === 0 ? (place === 0 ? 1 : 0) : weight / total,
      costMs: costMs[place]!,
    }))
  }
}

interface Flow {
  readonly from: string | null
  readonly to: string | null
  weight: number
  beforeMs: number
  afterMs: number
}

/** Sums up cells: weights, and costs times weight. */
class Tally {
  readonly #flows = new Map<string, Flow>()
  #total = 0
  readonly #served = [0, 0]
  readonly #cost = [0, 0]

  add(before: readonly Share[], after: readonly Share[], weight: number): void {
    this.#total += weight
    this.#addCost(0, before, weight)
    this.#addCost(1, after, weight)
    for (const { from, to, part } of movesBetween(before, after)) this.#addFlow(from, to, weight * part)
  }

  result(): Omit<WhatIf, 'rule'> {
    const flows = [...this.#flows.values()].sort((a, b) => b.weight - a.weight)
    const mean = (side: 0 | 1) => (this.#served[side]! > 0 ? this.#cost[side]! / this.#served[side]! : 0)
    return {
      movedShare: flows.reduce((sum, { weight }) => sum + weight, 0) / (this.#total || 1),
      meanBeforeMs: mean(0),
      meanAfterMs: mean(1),
      moves: flows.map(({ from, to, weight, beforeMs, afterMs }) => ({
        ...{ from, to, share: weight / this.#total },
        ...(from !== null && { beforeMs: beforeMs / weight }),
        ...(to !== null && { afterMs: afterMs / weight }),
      })),
    }
  }

  #addCost(side: 0 | 1, shares: readonly Share[], weight: number): void {
    for (const { region, share, costMs } of shares) {
      if (region === null) continue
      this.#served[side]! += weight * share
      this.#cost[side]! += weight * share * costMs
    }
  }

  #addFlow(from: Share, to: Share, weight: number): void {
    const key = `${from.region ?? ''} ${to.region ?? ''}`
    const flow = this.#flows.get(key) ?? { from: from.region, to: to.region, weight: 0, beforeMs: 0, afterMs: 0 }
    flow.weight += weight
    flow.beforeMs += weight * from.costMs
    flow.afterMs += weight * to.costMs
    this.#flows.set(key, flow)
  }
}

interface Part {
  readonly from: Share
  readonly to: Share
  readonly part: number
}

/**
 * How large a part of the clients goes from each region to each other.
 *
 * The same client draws the same exponential variate for a region in both fleets and goes where variate over weight is
 * smallest (`pick.ts`). With weights w before and v after, the joint probability of i before and j after is
 * wᵢ·vⱼ·∫ dr/A(r)² from wⱼ/vⱼ to wᵢ/vᵢ, where A(r) = Σ max(w, v·r) is made of straight lines between those quotients.
 */
function movesBetween(before: readonly Share[], after: readonly Share[]): Part[] {
  const ids = [...new Set([...before, ...after].map(({ region }) => region))]
  const nothing = (region: string | null): Share => ({ region, share: 0, costMs: 0 })
  const pairs = ids
    .map(region => {
      const from = before.find(entry => entry.region === region) ?? nothing(region)
      const to = after.find(entry => entry.region === region) ?? nothing(region)
      return { from, to, quotient: to.share === 0 ? Number.POSITIVE_INFINITY : from.share / to.share }
    })
    .filter(({ from, to }) => from.share + to.share > 0)
    .sort((a, b) => a.quotient - b.quotient)
  const total = (r: number) => pairs.reduce((sum, { from, to }) => sum + Math.max(from.share, to.share * r), 0)
  // The integral from 0 to each quotient, line by line; `slope` sums the weights whose quotient lies below.
  let slope = 0
  let integral = 0
  const integrals = pairs.map(({ to, quotient }, place) => {
    const start = place === 0 ? 0 : pairs[place - 1]!.quotient
    if (quotient > start) {
      const low = total(start)
      const inverseHigh = quotient === Number.POSITIVE_INFINITY ? 0 : 1 / total(quotient)
      integral += slope === 0 ? (quotient - start) / low ** 2 : (1 / low - inverseHigh) / slope
    }
    slope += to.share
    return integral
  })
  return pairs.flatMap(({ from }, i) =>
    pairs.slice(0, i).flatMap(({ to }, j) => {
      const part = from.share * to.share * (integrals[i]! - integrals[j]!)
      return part > 0 ? [{ from, to, part }] : []
    }),
  )
}
