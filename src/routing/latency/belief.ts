/**
 * What is believed of round trips, level upon level: a client network, its cell, its area (country and AS number, or
 * country), and below all of them the prior. Each level is drawn to the one below by `(n·measured + k·below)/(n + k)`.
 *
 * Real clients have an access line that the prior, fitted between data centres, does not know. It delays them on the way to
 * every region alike, and must not count against the regions that happen to be measured: what is common to the measured ones
 * is taken to hold for the others, too, within the bounds of what an access line does.
 */

import type { Cell } from '../../geo/location.ts'
import { weightedMedian } from './latency-table.ts'

export type BeliefLevel = 'network' | 'cell' | 'area' | 'prior'

export interface Measured {
  /** Weight of the samples. */
  readonly samples: number
  /** Round trip; of an area: measured less prior. */
  readonly ms: number
}

/** What a trace shows of one region's round trip, ms. */
export interface BelievedRtt {
  readonly prior: number
  readonly believed: number
  /** The nearest level that has measured this region; `prior` where none has. */
  readonly level: BeliefLevel
  /** Of that level. */
  readonly measured?: number
  readonly samples?: number
}

/** Samples that the level below is worth. */
const doubt: Readonly<Record<BeliefLevel, number>> = { network: 2, cell: 1, area: 4, prior: 0 }
const leastAccessMs = -10
const mostAccessMs = 40

export class RttBelief {
  readonly level: BeliefLevel
  readonly #below: RttBelief | undefined
  /** By region id. */
  readonly #measured: ReadonlyMap<string, Measured>
  /** What holds for every region, measured or not. */
  readonly #accessMs: number

  /** @param priorOf prior of a region in ms, for these clients */
  constructor(
    level: BeliefLevel,
    below: RttBelief | undefined,
    measured: ReadonlyMap<string, Measured>,
    priorOf: (region: string) => number,
  ) {
    this.level = level
    this.#below = below
    this.#measured = measured
    const votes = [...measured].map(([region, { samples, ms }]) => {
      const prior = priorOf(region)
      const known = level === 'area' ? prior + ms : ms
      return { value: known - this.#belowMs(region, prior), weight: samples }
    })
    const samples = votes.reduce((sum, { weight }) => sum + weight, 0)
    const common = votes.length === 0 ? 0 : Math.min(mostAccessMs, Math.max(leastAccessMs, weightedMedian(votes)))
    this.#accessMs = samples === 0 ? 0 : (common * samples) / (samples + doubt[level])
  }

  /** Expected round trip in ms, from what distance alone says of it. */
  rttMs(region: string, priorMs: number): number {
    const expected = this.#belowMs(region, priorMs) + this.#accessMs
    const own = this.#measured.get(region)
    if (own === undefined) return expected
    const known = this.level === 'area' ? priorMs + own.ms : own.ms
    return (own.samples * known + doubt[this.level] * expected) / (own.samples + doubt[this.level])
  }

  trace(region: string, priorMs: number): BelievedRtt {
    const own = this.#measured.get(region)
    const believed = this.rttMs(region, priorMs)
    if (own !== undefined) {
      const measured = this.level === 'area' ? priorMs + own.ms : own.ms
      return { prior: priorMs, believed, level: this.level, measured, samples: own.samples }
    }
    return { ...this.#below?.trace(region, priorMs), prior: priorMs, believed, level: this.#levelOf(region) }
  }

  #levelOf(region: string): BeliefLevel {
    if (this.#measured.has(region)) return this.level
    return this.#below === undefined ? 'prior' : this.#below.#levelOf(region)
  }

  #belowMs(region: string, priorMs: number): number {
    return this.#below === undefined ? priorMs : this.#below.rttMs(region, priorMs)
  }
}

/** A cell of whose clients something was measured. */
export interface MeasuredCell extends Cell {
  readonly belief: RttBelief
}

/** Undefined where nothing but the prior is known. */
export function beliefOf(cell: Cell): RttBelief | undefined {
  return (cell as Partial<MeasuredCell>).belief
}
