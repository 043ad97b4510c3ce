/**
 * The population-weighted point of every country: where to think a client is of whom only the country is known.
 */

import type { CountryPoints } from '../src/geo/country-points.ts'
import type { CountedPlace } from './city-database.ts'
import { continentOf } from './continents.ts'
import { geometricMedian, type WeightedPoint } from './geometric-median.ts'
import type { PopulatedPlace } from './populated-places.ts'

/** Cities speak for their country; where there are none, the addresses of the full database do. */
export function countryPoints(cities: readonly PopulatedPlace[], places: readonly CountedPlace[]): CountryPoints {
  const byCountry = Map.groupBy(cities, city => city.country)
  const addressesByCountry = Map.groupBy(places, ({ place }) => place.country!)
  const points: [string, CountryPoints[string]][] = []
  for (const [country, continent] of [...continentOf].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const weighted =
      byCountry.get(country)?.map(city => ({ coordinates: city.coordinates, weight: city.population })) ??
      addressesByCountry.get(country)?.map(weightedByAddresses)
    if (weighted === undefined) continue
    const { latitude, longitude } = geometricMedian(weighted)
    points.push([country, { latitude: hundredths(latitude), longitude: hundredths(longitude), continent }])
  }
  return Object.fromEntries(points)
}

function weightedByAddresses({ place, addresses }: CountedPlace): WeightedPoint {
  return { coordinates: place.coordinates!, weight: addresses }
}

function hundredths(degrees: number): number {
  return Math.round(degrees * 100) / 100 + 0
}
