import { getDistance } from 'geolib'
import t from 'tap'
import { distanceKm, earthRadiusKm, toCoordinates, toUnitVector } from '../../src/geo/coordinates.ts'
import { seededRandom } from '../support/seeded-random.ts'

/** The radius that geolib takes the earth to have, km. */
const geolibRadiusKm = 6378.137

t.test('distances between places that people know', async t => {
  for (const [from, to, km] of [
    [{ latitude: 52.37, longitude: 4.9 }, { latitude: 52.37, longitude: 4.9 }, 0],
    [{ latitude: 52.37, longitude: 4.9 }, { latitude: 50.11, longitude: 8.68 }, 364], // Amsterdam, Frankfurt
    [{ latitude: 35.68, longitude: 139.69 }, { latitude: 37.77, longitude: -122.42 }, 8272], // Tokyo, San Francisco
    [{ latitude: 0, longitude: 179.5 }, { latitude: 0, longitude: -179.5 }, 111], // over the date line
    [{ latitude: 90, longitude: 0 }, { latitude: -90, longitude: 77 }, 20_015], // pole to pole
  ] as const) {
    t.equal(Math.round(distanceKm(from, to)), km)
  }
})

t.test('random distances are those of a geodesy library, and vectors lead back to where they came from', async t => {
  const random = seededRandom(8)
  const point = () => ({ latitude: random() * 180 - 90, longitude: random() * 360 - 180 })
  const wrong: unknown[] = []
  for (let round = 0; round < 5_000; round++) {
    const [a, b] = [point(), point()]
    const expectedKm = (getDistance(a, b, 0.001) / 1000) * (earthRadiusKm / geolibRadiusKm)
    if (Math.abs(distanceKm(a, b) - expectedKm) > 0.01) wrong.push([a, b])
    if (distanceKm(toCoordinates(toUnitVector(a))!, a) > 0.001) wrong.push(a)
  }
  t.same(wrong, [])
})

t.test('the zero vector points nowhere', async t => {
  t.equal(toCoordinates({ x: 0, y: 0, z: 0 }), undefined)
})
