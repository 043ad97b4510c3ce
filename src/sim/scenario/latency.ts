/**
 * Round trips from every city to every region: what distance says, and what is true.
 *
 * Distance speaks with the production router's own words, from the cell that the geo database would put a city in; what routers
 * believe and what is true then differ exactly by what the scenario wants.
 */

import { CellRegister } from '../../geo/cell.ts'
import { arcKm, toUnitVector } from '../../geo/coordinates.ts'
import type { Region } from '../../regions/region.ts'
import { FleetLayout } from '../../routing/fleet.ts'
import { continentIndex, rttPriorMs } from '../../routing/rtt-prior.ts'
import type { Fault } from '../../schema.ts'
import { lognormal, seededRandom } from '../random.ts'
import type { City } from '../world.ts'
import type { Scenario } from './schema.ts'

/** By city and region, ms. */
export function priorLatencies(cities: readonly City[], regions: readonly Region[]): Float64Array {
  const register = new CellRegister()
  const numbers = cities.map(({ latitude, longitude, country, continent }) =>
    register.numberOf({ coordinates: { latitude, longitude }, country, continent }),
  )
  const { cells } = register
  const layout = new FleetLayout(regions, cells)
  const ends = regions.map(({ coordinates }) => toUnitVector(coordinates))
  return Float64Array.from(
    numbers.flatMap(number => {
      const { coordinates, continent } = cells[number]!
      const start = toUnitVector(coordinates!)
      return ends.map((end, region) =>
        rttPriorMs(arcKm(start, end), continentIndex(continent), layout.continent[region]!),
      )
    }),
  )
}

/** The same with what the scenario says of the truth; `table` is the text of its file. */
export function trueLatencies(
  { truth, error, seed }: Scenario['latency'],
  prior: Float64Array,
  cities: readonly City[],
  regions: readonly Region[],
  table: string | undefined,
  faults: Fault[],
): Float64Array {
  if (table !== undefined) return readTable(table, cities, regions, faults)
  if (truth === 'prior' || error === 0) return prior
  const random = seededRandom(seed)
  return prior.map(ms => lognormal(random, ms, error))
}

/** CSV: region ids in the first line, a city and its round trips in ms in each other; any order, more than is needed. */
function readTable(text: string, cities: readonly City[], regions: readonly Region[], faults: Fault[]): Float64Array {
  const [header = [], ...rows] = text
    .split(/\r?\n/)
    .filter(line => line.trim() !== '')
    .map(line => line.split(',').map(cell => cell.trim()))
  const rowOf = new Map(rows.map(row => [row[0], row]))
  return Float64Array.from(
    cities.flatMap(({ name }) =>
      regions.map(({ id }) => {
        const cell = rowOf.get(name)?.[header.indexOf(id)]
        const ms = Number(cell)
        if (cell !== undefined && cell !== '' && ms > 0 && Number.isFinite(ms)) return ms
        const message = `expected a round trip in ms from ${name} to ${id}, not ${cell === undefined ? 'nothing' : JSON.stringify(cell)}`
        faults.push({ path: 'latency.file', message })
        return Number.NaN
      }),
    ),
  )
}
