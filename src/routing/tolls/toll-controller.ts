/**
 * The price of capacity: what a region that is persistently full costs everyone on top, so that those with the best
 * alternative leave first. One of the routers works the tolls out for all.
 *
 * LAB: mode selects between computing from arrivals, correcting by an integrator, and both.
 */

import type { FleetCondition } from '../fleet.ts'
import { usable } from '../fleet.ts'
import { windowMs } from '../pick.ts'
import { costAt } from '../plan.ts'
import type { Workings } from '../workings.ts'
import { type AudienceDemand, type RouterSums, smoothing } from './demand.ts'
import { mostTollMs, slotsTaken, solveTolls, type TollProblem } from './solve-tolls.ts'

export type TollMode = 'computed' | 'corrected' | 'both'

const leastTarget = 0.88
const targetStep = 0.03
/** How slowly the model is believed to be wrong. */
const correctionMs = 20_000
const integratorGain = 3

export interface TollTuning {
  readonly mode: TollMode
  readonly target?: number
}

export class TollController {
  readonly #tuning: TollTuning
  #tolls = new Map<string, number>()
  /** Measured over modelled slots, by region id. */
  #corrections = new Map<string, number>()
  #at: number | undefined
  target = leastTarget

  constructor(tuning: TollTuning) {
    this.#tuning = tuning
  }

  /** @returns toll by region id, ms */
  step(
    workings: Workings,
    condition: FleetCondition,
    everyone: readonly RouterSums[],
    now: number,
  ): Map<string, number> {
    const { layout, loads, settings } = workings
    const count = layout.regions.length
    const elapsed = this.#at === undefined ? 0 : now - this.#at
    this.#at = now
    const measured = Float64Array.from({ length: count }, (_, region) => loads.inflight(region))
    let [slots, taken] = [0, 0]
    for (let region = 0; region < count; region++) {
      const capacity = loads.capacityNow(region)
      if (Number.isNaN(capacity) || condition.doubt[region] !== usable) continue
      slots += capacity
      taken += measured[region]!
    }
    this.target = Math.max(this.#tuning.target ?? leastTarget, slots > 0 ? taken / slots + targetStep : 0)
    const problem = poseProblem(workings, condition, everyone, this.target)
    const tolls = Float64Array.from(layout.regions, ({ id }) => this.#tolls.get(id) ?? 0)
    if (this.#tuning.mode !== 'corrected') {
      // correction
      const modelled = new Float64Array(count)
      slotsTaken(problem, tolls, settings.temperatureMs, modelled)
      layout.regions.forEach(({ id }, region) => {
        let correction = this.#corrections.get(id) ?? 1
        if (this.#tuning.mode === 'both' && modelled[region]! > 1 && measured[region]! > 1) {
          const ratio = measured[region]! / modelled[region]!
          const wanted = Math.min(2, Math.max(0.5, ratio))
          correction += smoothing(elapsed, correctionMs) * (wanted - correction)
        }
        this.#corrections.set(id, correction)
        problem.slotsPerRate[region]! *= correction
      })
      solveTolls(problem, tolls, settings.temperatureMs)
    } else {
      for (let region = 0; region < count; region++) {
        const capacity = loads.capacityNow(region)
        if (Number.isNaN(capacity)) continue
        const error = Math.min(0.5, Math.max(-0.25, measured[region]! / capacity - this.target))
        tolls[region] = Math.min(mostTollMs, Math.max(0, tolls[region]! + integratorGain * (elapsed / 1000) * error))
      }
    }
    this.#tolls = new Map(layout.regions.map(({ id }, region) => [id, tolls[region]!]))
    return this.#tolls
  }
}

function poseProblem(
  workings: Workings,
  condition: FleetCondition,
  everyone: readonly RouterSums[],
  target: number,
): TollProblem {
  const { layout, loads, settings } = workings
  const starts: number[] = [0]
  const regions: number[] = []
  const affinity: number[] = []
  const demand: number[] = []
  const reach = mostTollMs + windowMs(settings.temperatureMs)
  for (const [variant, cell, rate] of mergeDemand(workings, everyone)) {
    const plan = workings.audiences.plan(variant, cell)
    let least = Number.POSITIVE_INFINITY
    let group = 255
    for (let i = 0; i < plan.regions.length; i++) {
      if (condition.doubt[plan.regions[i]!] !== usable) continue
      if (plan.group[i]! < group) [group, least] = [plan.group[i]!, Number.POSITIVE_INFINITY]
      if (plan.group[i] === group) least = Math.min(least, costAt(plan, withoutTolls(condition), i))
    }
    for (let i = 0; i < plan.regions.length; i++) {
      const region = plan.regions[i]!
      if (condition.doubt[region] !== usable || plan.group[i] !== group) continue
      const excess = costAt(plan, withoutTolls(condition), i) - least
      if (excess > reach) continue
      regions.push(region)
      affinity.push(layout.regions[region]!.weight * Math.exp(-excess / settings.temperatureMs))
    }
    starts.push(regions.length)
    demand.push(rate)
  }
  return {
    starts: Int32Array.from(starts),
    regions: Uint16Array.from(regions),
    affinity: Float64Array.from(affinity),
    demand: Float64Array.from(demand),
    slotsPerRate: Float64Array.from(layout.regions, (_, region) => loads.stay[region]! / 1000),
    room: Float64Array.from(layout.regions, (_, region) => {
      const capacity = loads.capacityNow(region)
      return Number.isNaN(capacity) ? Number.POSITIVE_INFINITY : target * capacity
    }),
  }
}

const cache = new WeakMap<FleetCondition, FleetCondition>()
function withoutTolls(condition: FleetCondition): FleetCondition {
  let without = cache.get(condition)
  if (without === undefined) {
    without = Object.assign(Object.create(Object.getPrototypeOf(condition) as object) as FleetCondition, condition, {
      tollMs: new Float64Array(condition.tollMs.length),
    })
    cache.set(condition, without)
  }
  return without
}

function mergeDemand(workings: Workings, everyone: readonly RouterSums[]): [number, number, number][] {
  const merged = new Map<string, [number, number, number]>()
  const find = audienceFinder(workings)
  for (const { demand, restPerSecond } of everyone) {
    const listed = demand.reduce((sum, each) => sum + each.requestsPerSecond, 0)
    const scale = listed > 0 ? 1 + restPerSecond / listed : 1
    for (const each of demand) {
      const found = find(each)
      if (found === undefined) continue
      const key = `${found[0]}/${found[1]}`
      const entry = merged.get(key) ?? [...found, 0]
      entry[2] += each.requestsPerSecond * scale
      merged.set(key, entry as [number, number, number])
    }
  }
  return [...merged.values()]
}

const finders = new WeakMap<Workings, (key: AudienceDemand) => [number, number] | undefined>()

function audienceFinder(workings: Workings): (key: AudienceDemand) => [number, number] | undefined {
  let finder = finders.get(workings)
  if (finder === undefined) {
    const cells = new Map(
      workings.locator.cells.map(({ coordinates, country }, i) => [
        `${coordinates?.latitude},${coordinates?.longitude},${country}`,
        i,
      ]),
    )
    const rules = new Map(workings.rules.rules.map(compiled => [compiled.rule.name, compiled]))
    finder = ({ rule, capability, family, latitude, longitude, country }) => {
      const compiled = rules.get(rule)
      const cell = cells.get(`${latitude},${longitude},${country}`)
      if (compiled === undefined || cell === undefined) return undefined
      return [workings.audiences.variant(compiled, capability, family), cell]
    }
    finders.set(workings, finder)
  }
  return finder
}
