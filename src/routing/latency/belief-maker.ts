/**
 * From what was measured to what is believed, for one place at a time, and whether that is worth a change. Remembers nothing
 * itself: the tables do, and whoever asks says what is believed of the wider place.
 */

import { toUnitVector } from '../../geo/coordinates.ts'
import type { Cell, Locator } from '../../geo/location.ts'
import { priorTo } from '../cost.ts'
import type { FleetLayout } from '../fleet.ts'
import { continentIndex } from '../rtt-prior.ts'
import { type BeliefLevel, type Measured, RttBelief } from './belief.ts'
import type { LatencyTable, NodeKey, RegionEstimate } from './latency-table.ts'
import { addressOfKey, areaKey, cellKey } from './network-key.ts'
import type { RegionNumbers } from './region-numbers.ts'

/** Beliefs that differ by less than both are the same. */
const noticeableMs = 1
const noticeableShare = 0.02
/** What a network must differ by from its cell in what it says of two regions, to be planned for by itself. */
const ownMs = 5
const ownShare = 0.1

/** Where samples are kept. */
export interface Measurements {
  readonly networks: LatencyTable
  /** Cells; ln(ms). */
  readonly places: LatencyTable
  /** Countries and their AS; ms over the prior. */
  readonly areas: LatencyTable
  readonly regions: RegionNumbers
}

/** All times are whole seconds since 1970. */
export class BeliefMaker {
  readonly #measurements: Measurements
  readonly #base: Locator
  readonly #layout: FleetLayout

  constructor(measurements: Measurements, base: Locator, layout: FleetLayout) {
    this.#measurements = measurements
    this.#base = base
    this.#layout = layout
  }

  /** @param asn 0: of the whole country; `below`: what is believed where nothing was measured */
  ofArea(country: string, asn: number, below: RttBelief | undefined, cell: Cell, seconds: number) {
    return this.#beliefOf('area', this.#measurements.areas, areaKey(country, asn), below, cell, seconds)
  }

  /** @param area what is believed of its country */
  ofCell(cell: Cell, area: RttBelief | undefined, seconds: number): RttBelief | undefined {
    return this.#beliefOf('cell', this.#measurements.places, cellKey(cell), area, cell, seconds)
  }

  /** @param countryBelief what is believed of the country that it is in, by its cell */
  ofNetwork(key: NodeKey, cell: Cell, countryBelief: RttBelief | undefined, seconds: number): RttBelief | undefined {
    const { country } = cell
    const asn = this.#base.locate(addressOfKey(key))?.asn
    const area =
      country === undefined || asn === undefined
        ? countryBelief
        : this.ofArea(country, asn, countryBelief, cell, seconds)
    const around = this.ofCell(cell, area, seconds)
    return this.#beliefOf('network', this.#measurements.networks, key, around, cell, seconds)
  }

  /** Whether a change from one to the other is worth new plans; undefined: the prior alone. */
  differ(a: RttBelief | undefined, b: RttBelief | undefined, cell: Cell): boolean {
    if (a === b) return false
    const priorOf = this.#priorsOf(cell)
    return this.#layout.regions.some(({ id }) => {
      const prior = priorOf(id)
      const [was, is] = [a?.rttMs(id, prior) ?? prior, b?.rttMs(id, prior) ?? prior]
      return Math.abs(was - is) > Math.max(noticeableMs, noticeableShare * is)
    })
  }

  /** Whether a network's regions differ from its cell's by more than one delay that all have in common. */
  standsOut(own: RttBelief, cells: RttBelief | undefined, cell: Cell): boolean {
    const priorOf = this.#priorsOf(cell)
    let [least, most, nearest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (const { id } of this.#layout.regions) {
      const prior = priorOf(id)
      const rtt = own.rttMs(id, prior)
      const difference = rtt - (cells?.rttMs(id, prior) ?? prior)
      least = Math.min(least, difference)
      most = Math.max(most, difference)
      nearest = Math.min(nearest, rtt)
    }
    return most - least > Math.max(ownMs, ownShare * nearest)
  }

  /** What is believed at a node; `below` where it knows nothing of the present regions. */
  #beliefOf(
    level: BeliefLevel,
    table: LatencyTable,
    key: NodeKey,
    below: RttBelief | undefined,
    cell: Cell,
    seconds: number,
  ): RttBelief | undefined {
    const measured = new Map<string, Measured>()
    for (const { region, samples, value } of table.estimates(table.find(...key), seconds) as RegionEstimate[]) {
      const id = this.#measurements.regions.idOf(region, this.#layout)
      if (id !== undefined) measured.set(id, { samples, ms: level === 'area' ? value : Math.exp(value) })
    }
    return measured.size === 0 ? below : new RttBelief(level, below, measured, this.#priorsOf(cell))
  }

  #priorsOf(cell: Cell): (region: string) => number {
    const layout = this.#layout
    const from = toUnitVector(cell.coordinates!)
    const continent = continentIndex(cell.continent)
    return region => priorTo(layout, from, continent, layout.indexOf.get(region)!)
  }
}
