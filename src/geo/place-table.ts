/**
 * All places of one database as columns in shared memory: a place is a number here, and an object only for whoever asks
 * to see it. Place 0 is "nothing known".
 */

import { CellRegister } from './cell.ts'
import type { Place } from './record.ts'
import { type StringColumns, StringTable, StringTableBuilder } from './string-table.ts'

/** What a table consists of; may be sent to another thread. Texts are numbers in `strings`. */
export interface PlaceColumns {
  /** Degrees; NaN where unknown. */
  readonly latitude: Float64Array
  readonly longitude: Float64Array
  readonly country: Uint32Array
  readonly continent: Uint32Array
  readonly subdivision: Uint32Array
  readonly city: Uint32Array
  /** Whole km plus one; 0 where unknown. */
  readonly accuracyRadius: Uint32Array
  /** 1 where the coordinates are the country's point. */
  readonly countryPoint: Uint8Array
  /** Cell of each place, numbered within this table. */
  readonly cell: Uint32Array
  readonly cellCount: number
  readonly strings: StringColumns
}

export class PlaceTableBuilder {
  readonly #numbers = new Map<string, number>()
  readonly #places: Place[] = []

  get size(): number {
    return this.#places.length
  }

  /** Number of a place, the same for all that say the same. */
  numberOf(place: Place): number {
    const { coordinates, country, continent, subdivision, city, accuracyRadiusKm, countryPoint } = place
    const key = `${coordinates?.latitude},${coordinates?.longitude},${country},${continent},${accuracyRadiusKm},${countryPoint},${subdivision}\n${city}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#places.push(place)
    this.#numbers.set(key, number)
    return number
  }

  finish(): PlaceColumns {
    const rows = this.#places.length + 1
    const words = () => new Uint32Array(new SharedArrayBuffer(4 * rows))
    const degrees = () => new Float64Array(new SharedArrayBuffer(8 * rows)).fill(Number.NaN)
    const [latitude, longitude] = [degrees(), degrees()]
    const [country, continent, subdivision, city] = [words(), words(), words(), words()]
    const [accuracyRadius, cell] = [words(), words()]
    const countryPoint = new Uint8Array(new SharedArrayBuffer(rows))
    const strings = new StringTableBuilder()
    const cells = new CellRegister()
    for (const [index, place] of this.#places.entries()) {
      const row = index + 1
      latitude[row] = place.coordinates?.latitude ?? Number.NaN
      longitude[row] = place.coordinates?.longitude ?? Number.NaN
      country[row] = strings.numberOf(place.country)
      continent[row] = strings.numberOf(place.continent)
      subdivision[row] = strings.numberOf(place.subdivision)
      city[row] = strings.numberOf(place.city)
      accuracyRadius[row] = place.accuracyRadiusKm === undefined ? 0 : Math.round(place.accuracyRadiusKm) + 1
      countryPoint[row] = place.countryPoint === true ? 1 : 0
      cell[row] = cells.numberOf(place)
    }
    const places = { latitude, longitude, country, continent, subdivision, city, accuracyRadius, countryPoint, cell }
    return { ...places, cellCount: cells.cells.length, strings: strings.finish() }
  }
}

export class PlaceTable {
  readonly #columns: PlaceColumns
  readonly #strings: StringTable

  constructor(columns: PlaceColumns) {
    this.#columns = columns
    this.#strings = new StringTable(columns.strings)
  }

  /** Places in the table, and the number of the last one. */
  get size(): number {
    return this.#columns.cell.length - 1
  }

  /** The place of a number from 1 to `size`. */
  placeAt(number: number): Place {
    const columns = this.#columns
    const latitude = columns.latitude[number]!
    const longitude = columns.longitude[number]!
    const text = <K extends 'country' | 'continent' | 'subdivision' | 'city'>(key: K): { [P in K]?: string } => {
      const value = this.#strings.textOf(columns[key][number]!)
      return value === undefined ? {} : ({ [key]: value } as { [P in K]?: string })
    }
    return {
      ...(Number.isNaN(latitude) ? {} : { coordinates: { latitude, longitude } }),
      ...text('country'),
      ...text('continent'),
      ...text('subdivision'),
      ...text('city'),
      ...(columns.accuracyRadius[number]! > 0 && { accuracyRadiusKm: columns.accuracyRadius[number]! - 1 }),
      ...(columns.countryPoint[number] === 1 && { countryPoint: true as const }),
    }
  }

  /**
   * Cells in another register: for each of this table's places, its number there. Place 0 has cell 0.
   *
   * Asks the register once for each cell rather than for each place: a full database has over ten places in a cell.
   */
  cellsIn(register: CellRegister): Uint32Array {
    const { cell, cellCount } = this.#columns
    const numbers = new Uint32Array(cellCount)
    return cell.map((own, number) => {
      if (own !== 0 && numbers[own] === 0) numbers[own] = register.numberOf(this.placeAt(number))
      return numbers[own]!
    })
  }
}
