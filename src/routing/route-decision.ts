/**
 * A decision as the router hands it out: small when made, spelt out only when someone asks.
 */

import type { Priority } from '../config/rule.ts'
import type { Location, Locator } from '../geo/location.ts'
import type { Region } from '../regions/region.ts'
import { type Candidate, type Decision, isDegraded, type Reason, type Standing } from './decision.ts'
import type { FleetLayout } from './fleet.ts'
import type { HotMarks } from './hot-marks.ts'
import type { Loads } from './load.ts'
import type { Question } from './workings.ts'

/** What decisions of one snapshot have in common. */
export interface DecisionContext {
  readonly layout: FleetLayout
  readonly loads: Loads
  readonly locator: Locator
  readonly hot: HotMarks
  readonly snapshotVersion: number
}

type Listed = Candidate & { readonly index: number }

export class RouteDecision implements Decision {
  readonly #context: DecisionContext
  readonly #question: Question
  /** Tier (or tiers) in the ranking from which the choice was made. */
  readonly #start: number
  readonly #end: number
  /** Region index; −1: none. */
  readonly chosen: number
  /** It was counted as a dispatch, and that was not taken back. */
  countsAsDispatch = false
  readonly shed: Priority | undefined
  #ranked: readonly Candidate[] | undefined

  constructor(
    context: DecisionContext,
    question: Question,
    start: number,
    end: number,
    chosen: number,
    shed?: Priority,
  ) {
    this.#context = context
    this.#question = question
    this.#start = start
    this.#end = end
    this.chosen = chosen
    this.shed = shed
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
    return this.shed === undefined ? this.#question.ranking.reason : 'shed'
  }

  get ruleName(): string {
    return this.#question.compiled.rule.name
  }

  get degraded(): boolean {
    return isDegraded(this.reason)
  }

  get snapshotVersion(): number {
    return this.#context.snapshotVersion
  }

  get location(): Location | undefined {
    return this.#context.locator.locate(this.#question.address)
  }

  get ranked(): readonly Candidate[] {
    this.#ranked ??= this.#list()
    return this.#ranked
  }

  /** What was asked of the region. */
  get capability(): string | undefined {
    return this.#question.capability
  }

  /** The chosen one, its tier by what they cost now, the other tiers in order; then the full ones, the hot ones, the doubtful ones. */
  #list(): readonly Candidate[] {
    if (this.chosen < 0) return []
    const { regions, costMs, count, reason } = this.#question.ranking
    const barrier = this.#context.loads.barriersFor(this.#question.isAnswer)
    const withRoom: Listed[] = []
    const full: Listed[] = []
    const hot: Listed[] = []
    const doubtful: Listed[] = []
    const add = (position: number, standing: Standing, list?: Listed[]): void => {
      const index = regions[position]!
      const region = this.#context.layout.regions[index]!
      const totalMs = costMs[position]! + barrier[index]!
      if (list !== undefined) list.push({ index, region, costMs: totalMs, standing })
      else if (index === this.chosen) withRoom.push({ index, region, costMs: totalMs, standing })
      else if (this.#isHot(index)) hot.push({ index, region, costMs: totalMs, standing: 'hot' })
      else (this.#context.loads.isFull(index) ? full : withRoom).push({ index, region, costMs: totalMs, standing })
    }
    for (let i = this.#start; i < this.#end; i++) add(i, isDegraded(reason) ? reason : 'eligible')
    withRoom.sort((a, b) => a.costMs - b.costMs)
    const position = withRoom.findIndex(candidate => candidate.index === this.chosen)
    if (position > 0) withRoom.unshift(...withRoom.splice(position, 1))
    for (let i = 0; i < count; i++) if (i < this.#start || i >= this.#end) add(i, 'later-tier')
    full.sort((a, b) => a.costMs - b.costMs)
    for (let i = count; i < regions.length; i++) add(i, 'doubtful', doubtful)
    const candidates = [...withRoom, ...full, ...hot, ...doubtful]
    return candidates.map(({ region, costMs, standing }) => ({ region, costMs, standing }))
  }

  #isHot(index: number): boolean {
    const { hot, layout } = this.#context
    const { capability, key } = this.#question
    return hot.count > 0 && hot.turnsAway(layout.regions[index]!.id, capability, layout.seeds[index]!, key)
  }
}
