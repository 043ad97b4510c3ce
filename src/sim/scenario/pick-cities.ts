/** Which cities a scenario's clients live in. */

import { type Fault, shown } from '../../schema.ts'
import type { City } from '../world.ts'
import type { Scenario } from './schema.ts'

type Wanted = Scenario['clients']['cities']

/**
 * @param known the big cities, the largest first
 * @param faults takes a fault for each city that there is not
 */
export function pickCities(wanted: Wanted, known: readonly City[], faults: Fault[]): readonly City[] {
  if (wanted === 'population') return known
  if (typeof wanted === 'number') return known.slice(0, wanted)
  return wanted.flatMap((city, index) => {
    if (typeof city !== 'string') return city
    const found = findCity(city, known)
    if (found === undefined) {
      const message = `expected a city of data/cities.json, or one described in full, not ${shown(city)}`
      faults.push({ path: `clients.cities[${index}]`, message })
    }
    return found ?? []
  })
}

/** By name, the largest of that name; or by `name, country`. Accents and case do not matter. */
export function findCity(wanted: string, cities: readonly City[]): City | undefined {
  const key = plain(wanted)
  return cities.find(({ name, country }) => plain(name) === key || plain(`${name}, ${country}`) === key)
}

function plain(name: string): string {
  return name
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase()
}
