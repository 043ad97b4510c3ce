/**
 * Measured round trips, from single samples to the beliefs that plans are made from.
 *
 * A sample counts for its network, for the cell and for the area, the less for those the more its source has told of the
 * network: a million samples of one network weigh in its cell as much as some fourteen networks do. Beliefs are made anew only where
 * samples have come, and handed on only when they differ noticeably. Time is an argument.
 */

import { toUnitVector } from '../../geo/coordinates.ts'
import type { Cell, Locator } from '../../geo/location.ts'
import type { Network } from '../../geo/network.ts'
import { kmTo, priorTo } from '../cost.ts'
import type { FleetLayout } from '../fleet.ts'
import { continentIndex, leastRttMs } from '../rtt-prior.ts'
import type { RttBelief } from './belief.ts'
import { BeliefMaker } from './belief-maker.ts'
import { additive, logarithmic } from './estimate-pool.ts'
import { type KeptEstimate, LatencyTable } from './latency-table.ts'
import { MeasuredLocator, mostOwnCells, type OwnCell } from './measured-locator.ts'
import { addressOfKey, areaKey, cellKey, isClientNetwork, networkKey } from './network-key.ts'
import { RegionNumbers } from './region-numbers.ts'
import { SourceNumbers } from './source-numbers.ts'

export interface LatencySettings {
  /** Client networks that are remembered. */
  readonly maxNetworks: number
  readonly halfLifeMs: number
}

export interface LatencySample {
  readonly network: Network
  /** Region id. */
  readonly region: string
  readonly rttMs: number
  /** How many measurements this is the (geometric) mean of; 1 where not said. */
  readonly weight?: number
}

export const leastSampleMs = 0.1
export const mostSampleMs = 10_000
/** A client may stand this much nearer than the middle of its cell, or than the database says. */
const misplacedKm = 200
const mostPlaces = 100_000
/** Regions times sources that a node keeps. */
const mostPerNetwork = 64
const mostPerPlace = 2048
const mostWeight = 16
/** Networks looked at in one go, some 6 µs each: the rest waits for the next time. */
const mostAtOnce = 2_000
/** However few samples come: after so long every belief is made anew, since samples fade. */
const renewSeconds = 60

export class LatencyModel {
  readonly networks: LatencyTable
  /** Cells; ln(ms). */
  readonly places: LatencyTable
  /** Countries and their AS; ms over the prior. */
  readonly areas: LatencyTable
  readonly regions = new RegionNumbers()
  readonly sources = new SourceNumbers()
  readonly #dirtyCells = new Set<number>()
  readonly #dirtyCountries = new Set<string>()
  readonly #dirtyNetworks = new Set<number>()
  readonly #own = new Map<number, OwnCell>()
  readonly #freeSlots: number[] = Array.from({ length: mostOwnCells }, (_, i) => mostOwnCells - 1 - i)
  #beliefs = new Map<number, RttBelief>()
  #areaBeliefs = new Map<string, RttBelief>()
  #base: Locator | undefined
  #layout: FleetLayout | undefined
  #maker: BeliefMaker | undefined
  #cellsByCountry = new Map<string, number[]>()
  #view: Locator | undefined
  #changed = false
  #renewedAt = 0

  constructor({ maxNetworks, halfLifeMs }: LatencySettings) {
    const halfLife = halfLifeMs / 1000
    const drop = (node: number): void => this.#giveUpOwn(node)
    this.networks = new LatencyTable(limits(maxNetworks, mostPerNetwork), logarithmic, halfLife, drop)
    this.places = new LatencyTable(limits(mostPlaces, mostPerPlace), logarithmic, halfLife)
    this.areas = new LatencyTable(limits(mostPlaces, mostPerPlace), additive, halfLife)
  }

  get bytes(): number {
    return this.networks.bytes + this.places.bytes + this.areas.bytes
  }

  /** The places and regions of which samples speak from now on. */
  useWorld(base: Locator, layout: FleetLayout): void {
    if (base === this.#base && layout === this.#layout) return
    if (base !== this.#base) {
      this.#cellsByCountry = byCountry(base.cells)
      for (const node of [...this.#own.keys()]) {
        this.#giveUpOwn(node)
        this.#dirtyNetworks.add(node)
      }
      this.#beliefs.clear()
    }
    this.#base = base
    this.#layout = layout
    this.#maker = new BeliefMaker(this, base, layout)
    this.#areaBeliefs.clear()
    this.#renewAll()
    this.#view = undefined
  }

  /**
   * Takes a sample; `useWorld` must have been called.
   *
   * @param source who reports it: the name of a token
   * @param now ms since 1970
   * @returns why it was left out, undefined where it counts
   */
  record({ network, region: id, rttMs, weight = 1 }: LatencySample, source: string, now: number): string | undefined {
    const base = this.#base!
    const layout = this.#layout!
    const index = layout.indexOf.get(id)
    if (index === undefined) return 'there is no such region'
    if (!isClientNetwork(network)) return 'the network is wider than a /24 or /48: that is more than one client network'
    if (!(rttMs >= leastSampleMs && rttMs <= mostSampleMs)) return `not from ${leastSampleMs} to ${mostSampleMs} ms`
    const key = networkKey(network.address)
    const number = base.cellOf(base.locationNumber(network.address))
    const cell = base.cells[number]!
    if (cell.coordinates === undefined) return 'it is not known where the network is'
    const from = toUnitVector(cell.coordinates)
    const km = kmTo(layout, from, index)
    const least = leastRttMs(Math.max(0, km - misplacedKm))
    if (rttMs < least) return `light in fibre takes ${least.toFixed(1)} ms for ${Math.round(km)} km there and back`
    const region = this.regions.numberOf(layout.regions[index]!)
    if (region === undefined) return 'there are too many regions'
    const seconds = Math.floor(now / 1000)
    const reporter = this.sources.numberOf(source)
    const prior = priorTo(layout, from, continentIndex(cell.continent), index)
    const cellNode = this.places.find(...cellKey(cell))
    const expected = this.places.estimate(cellNode, region, seconds)?.value ?? Math.log(prior)
    const value = Math.log(rttMs)
    // One by one: a mean of many is not doubted as a first sample is.
    for (let left = Math.min(mostWeight, Math.max(1, Math.round(weight))); left > 0; left--) {
      const { node, before } = this.networks.record(key, region, reporter, value, expected, 1, seconds)
      const share = 1 / (1 + before)
      this.places.record(cellKey(cell), region, reporter, value, Math.log(prior), share, seconds)
      this.#recordArea(cell, network, region, reporter, rttMs - prior, share, seconds)
      this.#dirtyNetworks.add(node)
    }
    this.#dirtyCells.add(number)
    return undefined
  }

  /** Makes beliefs anew where samples have come since, some thousands at a time; `view` does the same. */
  revise(now: number): void {
    const seconds = Math.floor(now / 1000)
    if (seconds - this.#renewedAt >= renewSeconds) {
      this.#renewedAt = seconds
      this.#renewAll()
    }
    for (const country of this.#dirtyCountries) this.#reviseCountry(country, seconds)
    this.#dirtyCountries.clear()
    for (const number of this.#dirtyCells) this.#reviseCell(number, seconds)
    this.#dirtyCells.clear()
    let left = mostAtOnce
    for (const node of this.#dirtyNetworks) {
      if (left-- === 0) break
      this.#dirtyNetworks.delete(node)
      this.#reviseNetwork(node, seconds)
    }
  }

  /** Where clients are, with what is believed of them; another one only when that has changed noticeably. */
  view(now: number): Locator {
    this.revise(now)
    if (this.#changed || this.#view === undefined) {
      const isPlain = this.#beliefs.size === 0 && this.#own.size === 0
      this.#view = isPlain ? this.#base! : new MeasuredLocator(this.#base!, this.#beliefs, [...this.#own.values()])
      this.#changed = false
    }
    return this.#view
  }

  /** Everything that still counts at a time, to be kept on disk with the names of `regions` and `sources`. */
  *kept(now: number): Generator<KeptEstimate & { readonly table: number }> {
    const seconds = Math.floor(now / 1000)
    for (const [table, rows] of this.#tables.entries()) {
      for (const row of rows.kept(seconds)) yield { ...row, table }
    }
  }

  /** Takes a row back, its region and source numbered as here; before any sample. */
  restore({ table, ...row }: KeptEstimate & { readonly table: number }): void {
    const node = this.#tables[table]?.restore(row)
    if (table === 0 && node !== undefined) this.#dirtyNetworks.add(node)
  }

  /** Beliefs of everything that was restored; `useWorld` must have been called. */
  reviseAll(): void {
    for (const { number } of this.#base!.cells) this.#dirtyCells.add(number)
    this.#renewAll()
  }

  get #tables(): readonly LatencyTable[] {
    return [this.networks, this.places, this.areas]
  }

  #recordArea(
    cell: Cell,
    { address }: Network,
    region: number,
    reporter: number,
    overPrior: number,
    share: number,
    seconds: number,
  ): void {
    const { country } = cell
    if (country === undefined) return
    const asn = this.#base!.locate(address)?.asn
    this.areas.record(areaKey(country, 0), region, reporter, overPrior, 0, share, seconds)
    if (asn !== undefined) this.areas.record(areaKey(country, asn), region, reporter, overPrior, 0, share, seconds)
    this.#dirtyCountries.add(country)
  }

  #renewAll(): void {
    for (const node of this.#own.keys()) this.#dirtyNetworks.add(node)
    for (const number of this.#beliefs.keys()) this.#dirtyCells.add(number)
    for (const country of this.#cellsByCountry.keys()) {
      if (this.areas.find(...areaKey(country, 0)) >= 0) this.#dirtyCountries.add(country)
    }
  }

  /** All cells of a country without samples of their own share what is believed of it. */
  #reviseCountry(country: string, seconds: number): void {
    const numbers = this.#cellsByCountry.get(country)
    if (numbers === undefined) return
    const maker = this.#maker!
    const belief = maker.ofArea(country, 0, undefined, this.#base!.cells[numbers[0]!]!, seconds)
    const known = this.#areaBeliefs.get(country)
    if (numbers.every(number => !maker.differ(known, belief, this.#base!.cells[number]!))) return
    if (belief === undefined) this.#areaBeliefs.delete(country)
    else this.#areaBeliefs.set(country, belief)
    for (const number of numbers) this.#dirtyCells.add(number)
  }

  #reviseCell(number: number, seconds: number): void {
    const cell = this.#base!.cells[number]
    if (cell?.coordinates === undefined) return
    const area = cell.country === undefined ? undefined : this.#areaBeliefs.get(cell.country)
    const belief = this.#maker!.ofCell(cell, area, seconds)
    if (!this.#maker!.differ(this.#beliefs.get(number), belief, cell)) return
    this.#changed = true
    if (belief === undefined) this.#beliefs.delete(number)
    else this.#beliefs.set(number, belief)
  }

  #reviseNetwork(node: number, seconds: number): void {
    const key = this.networks.keyOf(node)
    const address = addressOfKey(key)
    const base = this.#base!
    const number = base.cellOf(base.locationNumber(address))
    const cell = base.cells[number]!
    const length = key[2] === 4 ? 24 : 48
    // Within one network there may be several places, which may not be served from the same countries.
    const isWhole = cell.coordinates !== undefined && base.prefixLength(address) <= length
    const maker = this.#maker!
    const country = cell.country === undefined ? undefined : this.#areaBeliefs.get(cell.country)
    const belief = isWhole ? maker.ofNetwork(key, cell, country, seconds) : undefined
    const known = this.#own.get(node)
    if (belief === undefined || !maker.standsOut(belief, this.#beliefs.get(number), cell)) {
      if (known !== undefined) this.#giveUpOwn(node)
      return
    }
    if (known?.cell === number && !maker.differ(known.belief, belief, cell)) return
    const slot = known?.slot ?? this.#freeSlots.pop()
    if (slot === undefined) return
    this.#own.set(node, { key, slot, cell: number, belief })
    this.#changed = true
  }

  #giveUpOwn(node: number): void {
    const own = this.#own.get(node)
    if (own === undefined) return
    this.#own.delete(node)
    this.#freeSlots.push(own.slot)
    this.#changed = true
  }
}

function limits(mostNodes: number, mostEstimatesPerNode: number) {
  return { mostNodes, mostEstimatesPerNode }
}

function byCountry(cells: readonly Cell[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const { number, country, coordinates } of cells) {
    if (country === undefined || coordinates === undefined) continue
    const known = found.get(country)
    if (known === undefined) found.set(country, [number])
    else known.push(number)
  }
  return found
}
