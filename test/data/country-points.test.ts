/** Pins where the people of a country are thought to be. */

import t from 'tap'
import { countryPoints } from '../../data/country-points.ts'
import { geometricMedian, type WeightedPoint } from '../../data/geometric-median.ts'
import { readPopulatedPlaces } from '../../data/populated-places.ts'
import { type Coordinates, distanceKm } from '../../src/geo/coordinates.ts'
import { seededRandom } from '../support/seeded-random.ts'

const at = (latitude: number, longitude: number, weight = 1): WeightedPoint => ({
  coordinates: { latitude, longitude },
  weight,
})

t.test('the median of points', async t => {
  for (const [points, expected, why] of [
    [[at(10, 20)], { latitude: 10, longitude: 20 }, 'one point'],
    [[at(0, 0), at(0, 10), at(0, 20)], { latitude: 0, longitude: 10 }, 'three in a row: the middle one'],
    [[at(0, 0), at(0, 1), at(0, 50)], { latitude: 0, longitude: 1 }, 'however far the last'],
    [[at(0, 0, 5), at(0, 40), at(30, 20)], { latitude: 0, longitude: 0 }, 'a city that outweighs the rest'],
    [[at(1, 0), at(-1, 0), at(0, 1), at(0, -1)], { latitude: 0, longitude: 0 }, 'a cross'],
    [[at(0, 179), at(0, -179), at(1, 180), at(-1, 180)], { latitude: 0, longitude: 180 }, 'across the date line'],
    [[at(89, 0), at(89, 90), at(89, 180), at(89, -90)], { latitude: 90, longitude: 0 }, 'around the pole'],
  ] as [WeightedPoint[], Coordinates, string][]) {
    t.ok(distanceKm(geometricMedian(points), expected) < 0.1, why)
  }
})

t.test('no point around the median is nearer to random points', async t => {
  const random = seededRandom(1)
  for (let round = 0; round < 50; round++) {
    const points = Array.from({ length: 1 + Math.floor(random() * 30) }, () =>
      at(40 + 20 * random(), 170 + 20 * random(), random() ** 4),
    )
    const cost = (from: Coordinates) =>
      points.reduce((sum, { coordinates, weight }) => sum + weight * distanceKm(from, coordinates), 0)
    const median = geometricMedian(points)
    const around = [1e-3, 0.1, 3].flatMap(step =>
      [0, 1, 2, 3, 4, 5, 6, 7].map(eighth => ({
        latitude: median.latitude + step * Math.sin((eighth * Math.PI) / 4),
        longitude: median.longitude + step * Math.cos((eighth * Math.PI) / 4),
      })),
    )
    const better = [...around, ...points.map(point => point.coordinates)].filter(
      other => cost(other) < cost(median) * 0.999_999 - 1e-6,
    )
    t.same(better, [], `round ${round}: ${points.length} points`)
  }
})

t.test('cities speak for their country, addresses where it has none', async t => {
  const city = (country: string, population: number, latitude: number, longitude: number) => ({
    name: 'Any',
    country,
    population,
    coordinates: { latitude, longitude },
  })
  const place = (country: string, latitude: number, longitude: number, addresses: number) => ({
    place: { country, coordinates: { latitude, longitude } },
    addresses,
  })
  t.same(
    countryPoints(
      [city('NL', 100, 52.374_03, 4.889_69), city('NL', 1, 51, 6)],
      [place('NL', 50, 0, 1e9), place('CX', -10.421_7, 105.679_1, 256), place('CX', 0, 0, 1)],
    ),
    {
      CX: { latitude: -10.42, longitude: 105.68, continent: 'AS' },
      NL: { latitude: 52.37, longitude: 4.89, continent: 'EU' },
    },
  )
})

t.test('populated places are read from their protocol buffer', async t => {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)])
  const signed = (value: number): number[] => varint(value < 0 ? -2 * value - 1 : 2 * value)
  const text = (value: string): number[] => [value.length, ...Buffer.from(value)]
  const message = (country: string, featureCode: string, population: number, longitude: number, latitude: number) => {
    const fields = [
      ...[8, 9, 18, ...text('Name'), 26, ...text(country), 58, ...text(featureCode)],
      ...[72, ...varint(population), 80, ...signed(longitude), 88, ...signed(latitude)],
    ]
    return [...varint(fields.length), ...fields]
  }
  const bytes = Uint8Array.from([
    ...message('AD', 'PPLC', 20_430, 152_109, 4_250_779),
    ...message('AD', 'PPLX', 5_000, 100, 100),
    ...message('AD', 'PPL', 0, 100, 100),
    ...message('CL', 'PPL', 7, -7_000_000, -8_000_000),
  ])
  t.same(readPopulatedPlaces(bytes), [
    { name: 'Name', country: 'AD', population: 20_430, coordinates: { latitude: 42.507_79, longitude: 1.521_09 } },
    {
      name: 'Name',
      country: 'CL',
      population: 7,
      coordinates: { latitude: -37.490_21 + 0.0, longitude: -68.478_91 + 0.002 },
    },
  ])
  t.throws(() => readPopulatedPlaces(bytes.subarray(0, -1)), { message: 'cities.pbf is cut short' })
})
