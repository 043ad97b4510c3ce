/**
 * The regions as the router computes with them: columns of numbers by region index, and what each may not do.
 *
 * A layout holds what changes only when an operator changes a region; plans live as long as it does. What changes with
 * every snapshot (condition, tolls, loads) is beside it.
 */

import { toUnitVector } from '../geo/coordinates.ts'
import type { Cell } from '../geo/location.ts'
import { type Region, tiers } from '../regions/region.ts'
import type { RegionState, Snapshot } from '../regions/snapshot.ts'
import { hashText } from './pick.ts'
import { continentIndex } from './rtt-prior.ts'

export class FleetLayout {
  readonly regions: readonly Region[]
  readonly indexOf: ReadonlyMap<string, number>
  /** Unit vectors of the regions' coordinates. */
  readonly x: Float64Array
  readonly y: Float64Array
  readonly z: Float64Array
  /** Continent index of each region: that of the nearest cell that has one. */
  readonly continent: Uint8Array
  /** Index into `tiers`. */
  readonly tier: Uint8Array
  readonly seeds: Int32Array
  /** Every capability that some region has, with the regions that have it (1) and lack it (0). */
  readonly capabilities: ReadonlyMap<string, Uint8Array>
  readonly hasIpv4: Uint8Array
  readonly hasIpv6: Uint8Array

  constructor(regions: readonly Region[], cells: readonly Cell[]) {
    const count = regions.length
    this.regions = regions
    this.indexOf = new Map(regions.map((region, index) => [region.id, index]))
    this.x = new Float64Array(count)
    this.y = new Float64Array(count)
    this.z = new Float64Array(count)
    regions.forEach((region, index) => {
      const vector = toUnitVector(region.coordinates)
      this.x[index] = vector.x
      this.y[index] = vector.y
      this.z[index] = vector.z
    })
    this.continent = nearestContinents(this, cells)
    this.tier = Uint8Array.from(regions, region => tiers.indexOf(region.tier))
    this.seeds = Int32Array.from(regions, region => hashText(region.id))
    this.capabilities = indexCapabilities(regions)
    this.hasIpv4 = Uint8Array.from(regions, ({ endpoints }) => ((endpoints.ipv4?.length ?? 0) > 0 ? 1 : 0))
    this.hasIpv6 = Uint8Array.from(regions, ({ endpoints }) => ((endpoints.ipv6?.length ?? 0) > 0 ? 1 : 0))
  }

  /** Do these regions, in this order, make the same layout? Region objects are never edited, so identity tells. */
  fits(states: readonly RegionState[]): boolean {
    return states.length === this.regions.length && states.every((state, index) => state.region === this.regions[index])
  }
}

function indexCapabilities(regions: readonly Region[]): Map<string, Uint8Array> {
  const index = new Map<string, Uint8Array>()
  regions.forEach((region, number) => {
    for (const capability of region.capabilities) {
      let having = index.get(capability)
      if (having === undefined) {
        having = new Uint8Array(regions.length)
        index.set(capability, having)
      }
      having[number] = 1
    }
  })
  return index
}

function nearestContinents({ regions, x, y, z }: FleetLayout, cells: readonly Cell[]): Uint8Array {
  const nearest = new Float64Array(regions.length).fill(-2)
  const continent = new Uint8Array(regions.length)
  for (const cell of cells) {
    const index = continentIndex(cell.continent)
    if (index === 0 || cell.coordinates === undefined) continue
    const vector = toUnitVector(cell.coordinates)
    for (let region = 0; region < regions.length; region++) {
      const cosine = vector.x * x[region]! + vector.y * y[region]! + vector.z * z[region]!
      if (cosine <= nearest[region]!) continue
      nearest[region] = cosine
      continent[region] = index
    }
  }
  return continent
}

/** What a snapshot says of each region, as numbers. */
export class FleetCondition {
  /** 0: usable, 1: doubtful, 2: drained by the operator. */
  readonly doubt: Uint8Array
  readonly tollMs: Float64Array
  readonly serviceMs: Float64Array

  constructor({ regions }: Snapshot) {
    this.doubt = Uint8Array.from(regions, ({ verdict }) =>
      verdict.condition === 'draining' ? drained : verdict.condition === 'down' ? doubtful : usable,
    )
    this.tollMs = Float64Array.from(regions, state => state.tollMs)
    this.serviceMs = Float64Array.from(regions, state => state.serviceMs)
  }

  /** The same regions as if none had a toll. */
  withoutTolls(): FleetCondition {
    const without = Object.create(FleetCondition.prototype) as {
      -readonly [K in keyof FleetCondition]: FleetCondition[K]
    }
    without.doubt = this.doubt
    without.tollMs = new Float64Array(this.tollMs.length)
    without.serviceMs = this.serviceMs
    return without
  }

  equals(other: FleetCondition): boolean {
    return same(this.doubt, other.doubt) && same(this.tollMs, other.tollMs) && same(this.serviceMs, other.serviceMs)
  }
}

export const usable = 0
export const doubtful = 1
export const drained = 2

function same(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
