/**
 * Who gets the same plan: requests of one rule, with one capability asked for, one address family, from one cell.
 *
 * Keeps the plans, which are made lazily. What a request may ask for is bounded (an unknown capability is one variant,
 * however it is spelt), and so is what is kept.
 */

import type { Rule } from '../config/rule.ts'
import type { Cell, Pin } from '../geo/location.ts'
import { liesIn } from '../regions/jurisdiction.ts'
import { tiers } from '../regions/region.ts'
import type { CostModel } from './cost.ts'
import { type FleetCondition, type FleetLayout, usable } from './fleet.ts'
import type { CompiledRule } from './match-rule.ts'
import { makePlan, makeRanking, type Plan, type Ranking, rankFirst } from './plan.ts'
import { allowedJurisdictions } from './residency.ts'

/** Entries of plans and rankings (about 20 bytes each) kept before all are dropped and made anew: some 160 MB. */
const mostEntries = 8_000_000
/** What the objects around them take besides, in entries. */
const entriesPerAudience = 64

const noCapability = 0
const everyTier: readonly string[] = tiers
const nothing: Ranking = {
  regions: new Uint16Array(0),
  costMs: new Float64Array(0),
  count: 0,
  groupEnds: [],
  reason: 'none',
  weights: new Float64Array(0),
  arrivals: { requests: 0, answers: 0 },
}

export class Audiences {
  readonly #layout: FleetLayout
  readonly #costs: CostModel
  readonly #cells: readonly Cell[]
  readonly #rules: readonly CompiledRule[]
  readonly #temperatureMs: number
  readonly #capabilityNumbers: ReadonlyMap<string, number>
  readonly #variantsPerRule: number
  #plans: (Plan | undefined)[][] = []
  #rankings: (Ranking | undefined)[][] = []
  /** By the ranking that would hold without the pin. */
  #pinned = new Map<Ranking, Map<Pin, Ranking>>()
  #condition: FleetCondition
  /** In plans and their rankings, and in `#pinned`. */
  #entries = 0
  #pinnedEntries = 0

  constructor(
    layout: FleetLayout,
    costs: CostModel,
    cells: readonly Cell[],
    rules: readonly CompiledRule[],
    condition: FleetCondition,
    temperatureMs: number,
  ) {
    this.#layout = layout
    this.#costs = costs
    this.#cells = cells
    this.#rules = rules
    this.#temperatureMs = temperatureMs
    this.#condition = condition
    this.#capabilityNumbers = new Map([...layout.capabilities.keys()].map((name, i) => [name, i + 1]))
    this.#variantsPerRule = 3 * (layout.capabilities.size + 2)
  }

  /** A new snapshot over the same layout. Rankings are kept while they say the same. */
  useCondition(condition: FleetCondition): void {
    if (condition.equals(this.#condition)) return
    this.#condition = condition
    this.#rankings = []
    this.#forgetPinned()
  }

  /** Number of a rule with what is asked for beside it. */
  variant({ index }: CompiledRule, capability: string | undefined, family: 4 | 6 | undefined): number {
    const wanted =
      capability === undefined
        ? noCapability
        : (this.#capabilityNumbers.get(capability) ?? this.#layout.capabilities.size + 1)
    return index * this.#variantsPerRule + wanted * 3 + (family === undefined ? 0 : family === 4 ? 1 : 2)
  }

  ranking(variant: number, cell: number): Ranking {
    return this.#rankings[variant]?.[cell] ?? this.#makeRanking(variant, cell)
  }

  /**
   * The ranking for a client whom an override pins to a region: that region alone or first while it is up, be it full;
   * without it, as for anyone else, or nothing. A pin is more than a rule's tiers, but not more than residency, capability
   * or family.
   */
  pinnedRanking(variant: number, cell: number, pin: Pin): Ranking {
    if (this.#pinnedEntries > mostEntries) this.#forgetPinned()
    const others = this.ranking(variant, cell)
    let byPin = this.#pinned.get(others)
    if (byPin === undefined) {
      byPin = new Map()
      this.#pinned.set(others, byPin)
    }
    let ranking = byPin.get(pin)
    if (ranking === undefined) {
      ranking = this.#makePinned(variant, cell, pin, others)
      byPin.set(pin, ranking)
      this.#pinnedEntries += ranking.regions.length + entriesPerAudience
    }
    return ranking
  }

  /** Hands over every audience that asked since the last time, and counts anew. */
  takeArrivals(take: (variant: number, cell: number, requests: number, answers: number) => void): void {
    for (const variant in this.#plans) {
      const row = this.#plans[variant]!
      for (const cell in row) {
        const { arrivals } = row[cell]!
        const { requests, answers } = arrivals
        if (requests > 0 || answers > 0) take(Number(variant), Number(cell), requests, answers)
        arrivals.requests = 0
        arrivals.answers = 0
      }
    }
  }

  /** What a variant stands for, in words. */
  nameOf(variant: number): { rule: string; capability?: string; family?: 4 | 6 } {
    const wanted = Math.floor((variant % this.#variantsPerRule) / 3)
    const capability = [...this.#layout.capabilities.keys()][wanted - 1]
    const family = ([undefined, 4, 6] as const)[variant % 3]
    return {
      rule: this.#ruleOf(variant).name,
      ...(capability !== undefined && { capability }),
      ...(family !== undefined && { family }),
    }
  }

  /** Which regions the audience may use (1), and may not (0). */
  fits(variant: number, cell: number, tiers: readonly string[] = this.#ruleOf(variant).tiers): Uint8Array {
    const having = this.#having(Math.floor((variant % this.#variantsPerRule) / 3))
    const family = this.#familyOf(variant)
    const allowed = allowedJurisdictions(this.#ruleOf(variant).residency, this.#cells[cell]!.country)
    return Uint8Array.from(this.#layout.regions, (region, i) =>
      tiers.includes(region.tier) &&
      (having === undefined || having[i] === 1) &&
      (family === undefined || family[i] === 1) &&
      liesIn(region, allowed)
        ? 1
        : 0,
    )
  }

  /** What a region lacks of what this variant asks for. */
  lacks(variant: number, region: number): 'capability' | 'family' | undefined {
    const having = this.#having(Math.floor((variant % this.#variantsPerRule) / 3))
    if (having?.[region] === 0) return 'capability'
    return this.#familyOf(variant)?.[region] === 0 ? 'family' : undefined
  }

  #makePinned(variant: number, cell: number, pin: Pin, others: Ranking): Ranking {
    const region = this.#layout.indexOf.get(pin.region)
    const fallback = pin.whenDown === 'route' ? others : undefined
    if (
      region === undefined ||
      this.#condition.doubt[region] !== usable ||
      this.fits(variant, cell, everyTier)[region] !== 1
    ) {
      return fallback ?? nothing
    }
    return rankFirst(region, this.#costOf(variant, cell, region), 'pinned', fallback)
  }

  #makeRanking(variant: number, cell: number): Ranking {
    const rule = this.#ruleOf(variant)
    const plan = this.plan(variant, cell)
    const reason = this.#costs.followsDefaultOrder(rule, this.#cells[cell]!) ? 'default-order' : 'least-cost'
    let ranking = makeRanking(plan, this.#layout, this.#condition, rule, this.#temperatureMs, reason)
    if (ranking.count === 0) ranking = this.#lastResort(variant, cell) ?? ranking
    keep(this.#rankings, variant, cell, ranking)
    return ranking
  }

  /** Overrules tier, capability and drain, but neither the law (residency) nor what an answer can carry (family). */
  #lastResort(variant: number, cell: number): Ranking | undefined {
    const rule = this.#ruleOf(variant)
    const region = this.#layout.indexOf.get(rule.lastResort ?? '')
    if (region === undefined) return undefined
    const family = this.#familyOf(variant)
    const allowed = allowedJurisdictions(rule.residency, this.#cells[cell]!.country)
    if (family?.[region] === 0 || !liesIn(this.#layout.regions[region]!, allowed)) return undefined
    return rankFirst(region, this.#costOf(variant, cell, region), 'last-resort', undefined)
  }

  #costOf(variant: number, cell: number, region: number): number {
    const { rtt, tier, bias, order } = this.#costs.slowCost(this.#ruleOf(variant), this.#cells[cell]!, region)
    return rtt + tier + bias + order + this.#condition.tollMs[region]! + this.#condition.serviceMs[region]!
  }

  plan(variant: number, cell: number): Plan {
    const known = this.#plans[variant]?.[cell]
    if (known !== undefined) return known
    if (this.#entries > mostEntries) this.#forget()
    const rule = this.#ruleOf(variant)
    const slowCosts = this.#costs.slowCosts(rule, this.#cells[cell]!)
    const declared = this.#costs.followsDefaultOrder(rule, this.#cells[cell]!) ? this.#costs.declared : undefined
    const plan = makePlan(rule, this.#layout, this.fits(variant, cell), slowCosts, declared)
    this.#entries += 2 * plan.regions.length + entriesPerAudience
    keep(this.#plans, variant, cell, plan)
    return plan
  }

  #forget(): void {
    this.#plans = []
    this.#rankings = []
    this.#entries = 0
    this.#forgetPinned()
  }

  #forgetPinned(): void {
    this.#pinned.clear()
    this.#pinnedEntries = 0
  }

  #ruleOf(variant: number): Rule {
    return this.#rules[Math.floor(variant / this.#variantsPerRule)]!.rule
  }

  #having(wanted: number): Uint8Array | undefined {
    if (wanted === noCapability) return undefined
    return [...this.#layout.capabilities.values()][wanted - 1] ?? new Uint8Array(this.#layout.regions.length)
  }

  #familyOf(variant: number): Uint8Array | undefined {
    return [undefined, this.#layout.hasIpv4, this.#layout.hasIpv6][variant % 3]
  }
}

function keep<T>(table: (T | undefined)[][], variant: number, cell: number, value: T): void {
  let row = table[variant]
  if (row === undefined) {
    row = []
    table[variant] = row
  }
  row[cell] = value
}
