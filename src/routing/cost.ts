/**
 * What a region costs a client, in milliseconds: the slow terms, which geography and the operator decide.
 *
 * Tolls and service time change with every snapshot, barriers with every dispatch; they are added where they are known.
 * Everything that shows a cost shows the column that this makes, so that anyone can add it up.
 */

import type { Rule } from '../config/rule.ts'
import { arcKm, type Coordinates, toUnitVector, type UnitVector } from '../geo/coordinates.ts'
import type { Cell } from '../geo/location.ts'
import type { FleetLayout } from './fleet.ts'
import { type BelievedRtt, beliefOf } from './latency/belief.ts'
import { continentIndex, leastRttMs, rttPriorMs } from './rtt-prior.ts'

/** Where nothing is known of the client, each place down the declared order costs this much: more than any barrier's start. */
const orderStepMs = 100

export interface SlowCost {
  readonly rtt: number
  readonly tier: number
  readonly bias: number
  readonly order: number
}

export class CostModel {
  readonly #layout: FleetLayout
  /** 1 for each region that the declared default order names. */
  readonly declared: Uint8Array
  /** Place of each region in that order, the others behind. */
  readonly #place: Float64Array
  readonly #routerRtt: Float64Array | undefined

  constructor(layout: FleetLayout, defaultOrder: readonly string[], router: Coordinates | undefined) {
    this.#layout = layout
    const named = new Set(defaultOrder)
    this.declared = Uint8Array.from(layout.regions, ({ id }) => (named.has(id) ? 1 : 0))
    this.#place = places(layout, defaultOrder)
    if (router === undefined) return
    const from = toUnitVector(router)
    this.#routerRtt = Float64Array.from(layout.regions, (_, region) => priorTo(layout, from, 0, region))
  }

  /** Does the path of this rule's bytes start at the router (proxying) rather than at the client? */
  startsAtRouter(rule: Rule): boolean {
    return rule.transport === 'proxy' && this.#routerRtt !== undefined
  }

  /** Is nothing known of where these clients are, so that the declared default order speaks? */
  followsDefaultOrder(rule: Rule, cell: Cell): boolean {
    return cell.coordinates === undefined && !this.startsAtRouter(rule)
  }

  /** Slow cost of every region for clients of a cell. */
  slowCosts(rule: Rule, cell: Cell): Float64Array {
    const costs = new Float64Array(this.#layout.regions.length)
    const from = cell.coordinates === undefined ? undefined : toUnitVector(cell.coordinates)
    const continent = continentIndex(cell.continent)
    for (let region = 0; region < costs.length; region++) {
      const { rtt, tier, bias, order } = this.#column(rule, cell, from, continent, region)
      costs[region] = rtt + tier + bias + order
    }
    return costs
  }

  /** The same for one region, term by term. */
  slowCost(rule: Rule, cell: Cell, region: number): SlowCost {
    const from = cell.coordinates === undefined ? undefined : toUnitVector(cell.coordinates)
    return this.#column(rule, cell, from, continentIndex(cell.continent), region)
  }

  /** What is believed of the way from a cell's clients to a region, and why; undefined where that is not the way taken. */
  believedRtt(rule: Rule, cell: Cell, region: number): BelievedRtt | undefined {
    if (cell.coordinates === undefined || this.startsAtRouter(rule)) return undefined
    const from = toUnitVector(cell.coordinates)
    const prior = priorTo(this.#layout, from, continentIndex(cell.continent), region)
    const believed = this.#believed(cell, from, prior, region)
    const trace = beliefOf(cell)?.trace(this.#layout.regions[region]!.id, prior)
    return trace === undefined ? { prior, believed, level: 'prior' } : { ...trace, believed }
  }

  #column(rule: Rule, cell: Cell, from: UnitVector | undefined, continent: number, region: number): SlowCost {
    const spec = this.#layout.regions[region]!
    const atRouter = this.startsAtRouter(rule)
    const rtt = atRouter
      ? this.#routerRtt![region]!
      : from === undefined
        ? 0
        : this.#believed(cell, from, priorTo(this.#layout, from, continent, region), region)
    const step = rule.strict ? 0 : Math.max(0, rule.tiers.indexOf(spec.tier))
    return {
      rtt: rtt * rule.roundTrips,
      tier: step * rule.tierStepMs,
      bias: spec.biasMs,
      order: from === undefined && !atRouter ? this.#place[region]! * orderStepMs : 0,
    }
  }

  /** Whatever was measured: light in fibre is not overtaken. */
  #believed(cell: Cell, from: UnitVector, prior: number, region: number): number {
    const belief = beliefOf(cell)
    if (belief === undefined) return prior
    return Math.max(leastRttMs(kmTo(this.#layout, from, region)), belief.rttMs(this.#layout.regions[region]!.id, prior))
  }
}

/** Great-circle distance to a region, km. */
export function kmTo({ x, y, z }: FleetLayout, from: UnitVector, region: number): number {
  return arcKm(from, { x: x[region]!, y: y[region]!, z: z[region]! })
}

/** What distance alone says of the round trip to a region, ms. */
export function priorTo(layout: FleetLayout, from: UnitVector, continent: number, region: number): number {
  return rttPriorMs(kmTo(layout, from, region), continent, layout.continent[region]!)
}

/** Declared regions first, in their order; the others after them, by id. */
function places({ regions, indexOf }: FleetLayout, defaultOrder: readonly string[]): Float64Array {
  const declared = defaultOrder.flatMap(id => indexOf.get(id) ?? [])
  const order = [...new Set([...declared, ...regions.keys()])]
  const place = new Float64Array(regions.length)
  order.forEach((region, position) => {
    place[region] = position
  })
  return place
}
