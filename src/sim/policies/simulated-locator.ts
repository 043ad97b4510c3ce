/**
 * Where simulated clients are, as a router finds it out: each city has its own networks, one /24 each, and lies in the cell
 * that the geo database would put it in.
 */

import { ClientAddress } from '../../geo/address.ts'
import { CellRegister } from '../../geo/cell.ts'
import type { Location, Locator } from '../../geo/location.ts'
import type { World } from '../world.ts'

/** The first network is 1.0.0.0/24. */
const firstNetwork = 1 << 16

/** An address in a city's network, both numbered from 0. */
export function addressIn({ clients }: World, city: number, network: number): ClientAddress {
  return new ClientAddress(4, (firstNetwork + city * clients.networksPerCity + network) << 8)
}

export function simulatedLocator({ cities, clients }: World): Locator {
  const register = new CellRegister()
  const cellOfCity = cities.map(({ latitude, longitude, country, continent }) =>
    register.numberOf({ coordinates: { latitude, longitude }, country, continent }),
  )
  /** Number of the city, from 1; 0: none of them. */
  const locationNumber = ({ w0 }: ClientAddress): number => {
    const city = Math.floor(((w0 >>> 8) - firstNetwork) / clients.networksPerCity)
    return city >= 0 && city < cities.length ? city + 1 : 0
  }
  return {
    cells: register.cells,
    locationNumber,
    cellOf: number => (number === 0 ? 0 : cellOfCity[number - 1]!),
    pins: [],
    pinIndex: () => -1,
    prefixLength: () => 24,
    sources: [],
    locate(address): Location | undefined {
      const city = cities[locationNumber(address) - 1]
      if (city === undefined) return undefined
      const { name, latitude, longitude, country, continent } = city
      const coordinates = { latitude, longitude }
      return { coordinates, country, continent, city: name, prefixLength: 24, source: 'simulation' }
    },
  }
}
