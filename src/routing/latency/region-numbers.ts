/**
 * Regions as small numbers that last: over changes of the fleet, and on disk. A region that moves is another one, of which
 * nothing has been measured yet.
 */

import type { Region } from '../../regions/region.ts'
import type { FleetLayout } from '../fleet.ts'

const mostRegions = 65_535

export class RegionNumbers {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []
  readonly #ids: string[] = []

  /** Undefined once there have been too many. */
  numberOf(region: Region): number | undefined {
    return this.#numberOf(nameOf(region))
  }

  /** Id of the region that a number stands for, where it is in the fleet and where it was. */
  idOf(number: number, { regions, indexOf }: FleetLayout): string | undefined {
    const index = indexOf.get(this.#ids[number] ?? '')
    return index !== undefined && nameOf(regions[index]!) === this.#names[number] ? this.#ids[number] : undefined
  }

  /** Names in the order of their numbers, and back. */
  get names(): readonly string[] {
    return this.#names
  }

  /** Number of a name as `names` gives it. */
  restore(name: string): number | undefined {
    return this.#numberOf(name)
  }

  #numberOf(name: string): number | undefined {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    if (this.#names.length >= mostRegions) return undefined
    this.#numbers.set(name, this.#names.length)
    this.#ids.push(name.slice(0, name.indexOf('@')))
    return this.#names.push(name) - 1
  }
}

/** `cloud-fra@50.11,8.68`. */
function nameOf({ id, coordinates: { latitude, longitude } }: Region): string {
  return `${id}@${latitude},${longitude}`
}
