/** Pins how places become big cities. */

import t from 'tap'
import { type BigCity, bigCities } from '../../data/big-cities.ts'
import type { PopulatedPlace } from '../../data/populated-places.ts'
import { distanceKm } from '../../src/geo/coordinates.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const place = (
  name: string,
  population: number,
  latitude: number,
  longitude: number,
  country = 'GB',
): PopulatedPlace => ({
  name,
  country,
  population,
  coordinates: { latitude, longitude },
})

/** 0.1° of latitude are 11.1 km. */
const cases: [readonly PopulatedPlace[], Readonly<Record<string, number>>, string][] = [
  [[], {}, 'nobody'],
  [[place('a', 1, 0, 0), place('b', 3, 10, 0), place('c', 2, 20, 0)], { b: 3, c: 2, a: 1 }, 'the largest first'],
  [[place('a', 1, 0, 0), place('b', 3, 0.2, 0)], { b: 4 }, 'a suburb counts for its city'],
  [[place('a', 1, 0, 0), place('b', 3, 0.3, 0)], { b: 3, a: 1 }, 'a town of its own'],
  [[place('a', 9, 0, 0), place('b', 1, 0.2, 0), place('c', 1, 0.4, 0)], { a: 10, c: 1 }, 'a suburb has no suburbs'],
  [[place('a', 9, 0, 0), place('b', 8, 0.4, 0), place('c', 1, 0.25, 0)], { a: 9, b: 9 }, 'the nearer of two cities'],
  [[place('a', 5, 0, 0), place('b', 4, 10, 0), place('c', 2, 10.1, 0)], { b: 6, a: 5 }, 'suburbs make the larger one'],
  [[place('a', 2, 0, 179.9), place('b', 1, 0, -179.9)], { a: 3 }, 'across the date line'],
  [[place('a', 2, 89.9, 0), place('b', 1, 89.9, 180)], { a: 3 }, 'across the pole'],
  [[place('a', 2, 51, 0, 'GB'), place('b', 1, 51.1, 0, 'FR')], { a: 3 }, 'across a border'],
]

t.test('towns count for the city near them', async t => {
  for (const [places, expected, why] of cases) {
    const found = bigCities(places, 10, 30)
    t.same(
      Object.entries(Object.fromEntries(found.map(city => [city.name, city.population]))),
      Object.entries(expected),
      why,
    )
  }
  t.same(bigCities([place('Lomé', 7, 6.137_481, -1.212_271, 'TG')], 1, 30), [
    { name: 'Lomé', latitude: 6.14, longitude: -1.21, country: 'TG', continent: 'AF', population: 7 },
  ])
  t.equal(bigCities(cases[1]![0], 2, 30).length, 2, 'no more than asked for')
  t.throws(() => bigCities([place('Atlantis', 1, 30, -40, 'XX')], 1, 30), { message: /Atlantis: no continent/ })
})

t.test('the same as when every place is compared with every larger one', async t => {
  const random = seededRandom(3)
  for (let round = 0; round < 20; round++) {
    const places = Array.from({ length: 200 }, (_, i) =>
      place(String(i), 1 + randomInteger(random, 1e6), round * 4 + 3 * random(), 179 + 2 * random()),
    )
    const expected = new Map<PopulatedPlace, number>()
    for (const each of places.toSorted((a, b) => b.population - a.population)) {
      const near = [...expected.keys()]
        .map(centre => ({ centre, km: distanceKm(centre.coordinates, each.coordinates) }))
        .filter(({ km }) => km < 30)
        .sort((a, b) => a.km - b.km)[0]?.centre
      expected.set(near ?? each, (near === undefined ? 0 : expected.get(near)!) + each.population)
    }
    const byName = (cities: readonly (readonly [string, number])[]) => cities.toSorted(([a], [b]) => (a < b ? -1 : 1))
    t.same(
      byName(bigCities(places, 1000, 30).map((city: BigCity) => [city.name, city.population])),
      byName([...expected].map(([{ name }, population]) => [name, population])),
      `round ${round}`,
    )
  }
})
