/**
 * A decision as the router hands it out: small when made, spelt out only when someone asks.
 */

import type { ClientAddress } from '../geo/address.ts'
import type { Location, Locator } from '../geo/location.ts'
import type { Region } from '../regions/region.ts'
import { type Candidate, type Decision, isDegraded, type Reason, type Standing } from './decision.ts'
import type { FleetLayout } from './fleet.ts'
import type { Loads } from './load.ts'
import type { CompiledRule } from './match-rule.ts'
import type { Ranking } from './plan.ts'

/** What decisions of one snapshot have in common. */
export interface DecisionContext {
  readonly layout: FleetLayout
  readonly loads: Loads
  readonly locator: Locator
  readonly snapshotVersion: number
}

export class RouteDecision implements Decision {
  readonly #context: DecisionContext
  readonly #address: ClientAddress
  readonly #compiled: CompiledRule
  readonly #ranking: Ranking
  /** Tier (or tiers) in the ranking from which the choice was made. */
  readonly #start: number
  readonly #end: number
  /** Region index; −1: none. */
  readonly chosen: number
  /** It was counted as a dispatch, and that was not taken back. */
  countsAsDispatch = false
  #ranked: readonly Candidate[] | undefined

  constructor(
    context: DecisionContext,
    address: ClientAddress,
    compiled: CompiledRule,
    ranking: Ranking,
    start: number,
    end: number,
    chosen: number,
  ) {
    this.#context = context
    this.#address = address
    this.#compiled = compiled
    this.#ranking = ranking
    this.#start = start
    this.#end = end
    this.chosen = chosen
  }

  /** Takes the dispatch back, once. @returns the region that it was counted for */
  takeDispatch(): Region | undefined {
    if (!this.countsAsDispatch) return undefined
    this.countsAsDispatch = false
    return this.best
  }

  get best(): Region | undefined {
    return this.chosen < 0 ? undefined : this.#context.layout.regions[this.chosen]
  }

  get reason(): Reason {
    return this.#ranking.reason
  }

  get ruleName(): string {
    return this.#compiled.rule.name
  }

  get degraded(): boolean {
    return isDegraded(this.reason)
  }

  get snapshotVersion(): number {
    return this.#context.snapshotVersion
  }

  get location(): Location | undefined {
    return this.#context.locator.locate(this.#address)
  }

  get ranked(): readonly Candidate[] {
    this.#ranked ??= this.#list()
    return this.#ranked
  }

  /** The chosen one, its tier by what they cost at this moment, the other tiers in order, the doubtful ones. */
  #list(): readonly Candidate[] {
    if (this.chosen < 0) return []
    const { regions, costMs, count } = this.#ranking
    const { barrier } = this.#context.loads
    const candidates: (Candidate & { readonly index: number })[] = []
    const add = (position: number, standing: Standing): void => {
      const index = regions[position]!
      candidates.push({
        index,
        region: this.#context.layout.regions[index]!,
        costMs: costMs[position]! + barrier[index]!,
        standing,
      })
    }
    for (let i = this.#start; i < this.#end; i++) add(i, standingOf(this.#ranking))
    candidates.sort((a, b) => a.costMs - b.costMs)
    const position = candidates.findIndex(candidate => candidate.index === this.chosen)
    if (position > 0) candidates.unshift(...candidates.splice(position, 1))
    for (let i = 0; i < count; i++) if (i < this.#start || i >= this.#end) add(i, 'later-tier')
    for (let i = count; i < regions.length; i++) add(i, 'doubtful')
    return candidates.map(({ region, costMs, standing }) => ({ region, costMs, standing }))
  }
}

function standingOf({ reason }: Ranking): Standing {
  return isDegraded(reason) ? reason : 'eligible'
}
