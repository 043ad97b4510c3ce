/**
 * The fast part of a decision: from a ranking, the barriers of this moment and the client's key to one region.
 *
 * While no barrier is up, the ranking's own weights decide. When regions near their limit are among those that would be
 * picked, the totals are taken anew, and a tier whose regions are all full gives way to the next.
 */

import type { FleetLayout } from './fleet.ts'
import type { Loads } from './load.ts'
import { rendezvous, windowMs } from './pick.ts'
import { type Ranking, weightOf } from './plan.ts'

/** Regions that could be chosen, their weights and the winner: what `explain` shows. */
export class Choice {
  /** Positions in the ranking from which the choice was made: one tier, or all when every tier is full. */
  start = 0
  end = 0
  count = 0
  winner = -1
  /** Whether a region that serves without doubt has room for one more. */
  hasRoom = true
  /** Region indices that would have been picked, but are hot for this client. */
  readonly turnedAway: number[] = []
  /** Region indices and weights of the contenders, the first `count` entries. */
  regions: ArrayLike<number> = []
  weights: ArrayLike<number> = []
}

/** Makes choices; owns the scratch space, so one serves one thread and its last choice is valid until the next. */
export class Chooser {
  readonly #layout: FleetLayout
  readonly #loads: Loads
  readonly #temperatureMs: number
  readonly #choice = new Choice()
  /** Barriers of the choice under way, and how many are above 0. */
  #barrier: Float64Array = new Float64Array(0)
  #raised = 0
  readonly #regions: Uint16Array
  readonly #weights: Float64Array
  readonly #totals: Float64Array
  /** 1: counts as full for the client at hand. */
  readonly #isHot: Uint8Array

  constructor(layout: FleetLayout, loads: Loads, temperatureMs: number) {
    this.#layout = layout
    this.#loads = loads
    this.#temperatureMs = temperatureMs
    this.#regions = new Uint16Array(layout.regions.length)
    this.#weights = new Float64Array(layout.regions.length)
    this.#totals = new Float64Array(layout.regions.length)
    this.#isHot = new Uint8Array(layout.regions.length)
  }

  /**
   * @param lowest always the cheapest (`pick: lowest`)
   * @param key 32-bit hash of the affinity key or client network
   * @param isAnswer what is chosen holds for the lifetime of an answer (DNS)
   * @param isHot whether a region turns this client away; absent: none does
   */
  choose(
    ranking: Ranking,
    lowest: boolean,
    key: number,
    isAnswer = false,
    isHot?: (region: number) => boolean,
  ): Choice {
    const choice = this.#choice
    const { raised, answersRaised } = this.#loads
    this.#barrier = this.#loads.barriersFor(isAnswer)
    this.#raised = isAnswer ? answersRaised : raised
    choice.turnedAway.length = 0
    this.#choose(ranking, lowest, key)
    if (isHot === undefined) return choice
    while (choice.winner >= 0 && isHot(choice.regions[choice.winner]!)) {
      const region = choice.regions[choice.winner]!
      choice.turnedAway.push(region)
      this.#isHot[region] = 1
      this.#choose(ranking, lowest, key)
    }
    for (const region of choice.turnedAway) this.#isHot[region] = 0
    if (choice.winner >= 0 || choice.turnedAway.length === 0) return choice
    // Everyone would rather be left alone: as if nobody had said so.
    choice.turnedAway.length = 0
    this.#choose(ranking, lowest, key)
    choice.hasRoom = false
    return choice
  }

  #choose(ranking: Ranking, lowest: boolean, key: number): void {
    const choice = this.#choice
    if (choice.turnedAway.length > 0 || (this.#raised > 0 && this.#isContested(ranking))) {
      this.#weighAnew(ranking, lowest, choice)
    } else {
      choice.hasRoom = true
      choice.start = 0
      choice.end = ranking.groupEnds[0] ?? 0
      choice.regions = ranking.regions
      choice.weights = ranking.weights
      choice.count = ranking.weights.length
    }
    choice.winner =
      choice.count > 1
        ? rendezvous(key, this.#layout.seeds, choice.regions, choice.weights, choice.count)
        : choice.count - 1
  }

  #isContested({ regions, weights }: Ranking): boolean {
    const barrier = this.#barrier
    for (let i = 0; i < weights.length; i++) if (barrier[regions[i]!]! > 0) return true
    return false
  }

  #weighAnew(ranking: Ranking, lowest: boolean, choice: Choice): void {
    this.#findRoom(ranking, choice)
    const barrier = this.#barrier
    const window = lowest ? 0 : windowMs(this.#temperatureMs)
    let least = Number.POSITIVE_INFINITY
    let seen = choice.start
    // Costs ascend within a group: past the best total and the window, no barrier can make a region cheap again.
    for (; seen < choice.end; seen++) {
      const cost = ranking.costMs[seen]!
      this.#totals[seen] = Number.POSITIVE_INFINITY
      if (this.#isHot[ranking.regions[seen]!] === 1) continue
      if (cost > least + window && this.#isOneGroup(ranking, choice)) break
      const total = cost + barrier[ranking.regions[seen]!]!
      this.#totals[seen] = total
      if (total < least) least = total
    }
    let count = 0
    for (let i = choice.start; i < seen; i++) {
      const excess = this.#totals[i]! - least
      if (!(excess <= window)) continue
      const region = ranking.regions[i]!
      if (lowest && count > 0) break
      this.#regions[count] = region
      this.#weights[count] = weightOf(excess, this.#layout.regions[region]!.weight, this.#temperatureMs)
      count++
    }
    choice.regions = this.#regions
    choice.weights = this.#weights
    choice.count = count
  }

  /** The first tier with a region that is not full; all of them when there is none. */
  #findRoom({ regions, groupEnds }: Ranking, choice: Choice): void {
    let start = 0
    for (const end of groupEnds) {
      for (let i = start; i < end; i++) {
        if (this.#isHot[regions[i]!] === 1 || this.#loads.isFull(regions[i]!)) continue
        choice.hasRoom = true
        choice.start = start
        choice.end = end
        return
      }
      start = end
    }
    choice.hasRoom = this.#canAnyServe(regions, start)
    choice.start = 0
    choice.end = start
  }

  #canAnyServe(regions: Uint16Array, end: number): boolean {
    for (let i = 0; i < end; i++) {
      if (this.#isHot[regions[i]!] === 0 && !this.#loads.isOverloaded(regions[i]!)) return true
    }
    return false
  }

  #isOneGroup({ groupEnds }: Ranking, { start, end }: Choice): boolean {
    return groupEnds.length === 1 || start > 0 || end === groupEnds[0]
  }
}
