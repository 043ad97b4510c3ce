/** Pins what the list of cities knows of the world, and that a broken one is refused. */

import { join } from 'node:path'
import t from 'tap'
import { continentOf } from '../../data/continents.ts'
import { distanceKm } from '../../src/geo/coordinates.ts'
import { bundledData } from '../../src/paths.ts'
import { loadCities } from '../../src/sim/cities.ts'

t.test('the big cities of the world', async t => {
  const cities = await loadCities(bundledData('cities.json'))
  t.equal(cities.length, 1000)
  t.same(
    cities.map(city => city.population),
    cities.map(city => city.population).sort((a, b) => b - a),
    'the largest first',
  )
  t.same(
    cities.filter(({ country, continent }) => continentOf.get(country) !== continent),
    [],
    'continents as the geo database has them',
  )
  const close = cities.flatMap((a, i) => cities.slice(i + 1).flatMap(b => (distanceKm(a, b) < 28 ? [[a, b]] : [])))
  t.same(close, [], 'no two of them are one')
  for (const [name, country, latitude, longitude, least, most] of [
    ['Tokyo', 'JP', 35.7, 139.7, 8e6, 40e6],
    ['Shanghai', 'CN', 31.2, 121.5, 15e6, 30e6],
    ['New York City', 'US', 40.7, -74, 8e6, 25e6],
    ['São Paulo', 'BR', -23.5, -46.6, 10e6, 25e6],
    ['Lagos', 'NG', 6.5, 3.4, 8e6, 20e6],
    ['London', 'GB', 51.5, -0.1, 7e6, 15e6],
    ['Sydney', 'AU', -33.9, 151.2, 4e6, 6e6],
  ] as const) {
    const city = cities.find(each => each.name === name && each.country === country)!
    t.ok(distanceKm(city, { latitude, longitude }) < 30, `${name} is in its place`)
    t.ok(city.population >= least && city.population <= most, `${name} has its people: ${city.population}`)
  }
})

t.test('a broken list is refused, every fault at once', async t => {
  const city = { name: 'A', latitude: 1, longitude: 2, country: 'GB', continent: 'EU', population: 3 }
  const folder = t.testdir({
    'empty.json': '[]',
    'torn.json': '[{',
    'wrong.json': JSON.stringify([
      city,
      { ...city, latitude: 91, population: 0 },
      { ...city, continent: 'XX', mayor: 1 },
    ]),
  })
  for (const [file, code, message] of [
    ['none.json', 'FILE_UNREADABLE', /no such file/],
    ['torn.json', 'GEO_DATABASE_INVALID', /torn\.json: not JSON/],
    ['empty.json', 'GEO_DATABASE_INVALID', /at least 1 entries/],
    ['wrong.json', 'GEO_DATABASE_INVALID', /\[1\]\.latitude.*\[1\]\.population.*\[2\]\.mayor.*\[2\]\.continent/],
  ] as const) {
    await t.rejects(loadCities(join(folder, file)), { code, message })
  }
})
