/**
 * Cells: 1° squares plus country, numbered as they are met. Two places in one cell are the same to everything that
 * decides by geography.
 */

import type { Cell } from './location.ts'
import type { Place } from './record.ts'

/** Numbers cells from 1 in the order in which they come; 0 is "nothing known". */
export class CellRegister {
  readonly #numbers = new Map<string, number>()
  readonly #cells: Cell[] = [{ number: 0 }]

  /** All cells so far; a cell's number is its place. */
  get cells(): readonly Cell[] {
    return this.#cells
  }

  numberOf(place: Pick<Place, 'coordinates' | 'country' | 'continent'>): number {
    const { country, continent } = place
    const coordinates = place.coordinates && {
      latitude: toWholeDegree(place.coordinates.latitude),
      longitude: toWholeDegree(place.coordinates.longitude),
    }
    const key = `${coordinates?.latitude},${coordinates?.longitude},${country},${continent}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#cells.length
    this.#numbers.set(key, number)
    this.#cells.push({
      number,
      ...(coordinates !== undefined && { coordinates }),
      ...(country !== undefined && { country }),
      ...(continent !== undefined && { continent }),
    })
    return number
  }
}

/** Rounded; the meridian opposite Greenwich is always 180, never -180, and zero has no sign. */
function toWholeDegree(degrees: number): number {
  const whole = Math.round(degrees)
  return whole === -180 ? 180 : whole + 0
}
