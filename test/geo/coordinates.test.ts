import { getDistance } from 'geolib'
import t from 'tap'
import { type Coordinates, distanceKm, toCoordinates, toUnitVector } from '../../src/geo/coordinates.ts'
import { seededRandom } from '../support/seeded-random.ts'

t.test('distances that one can look up', async t => {
  for (const [what, a, b, km] of [
    ['Frankfurt to Ashburn', [50.11, 8.68], [39.04, -77.49], 6549],
    ['London to Paris', [51.51, -0.13], [48.86, 2.35], 344],
    ['Auckland to Seville, nearly antipodes', [-36.85, 174.76], [37.39, -5.99], 19_925],
    ['over the date line', [0, 179.5], [0, -179.5], 111],
    ['pole to pole', [90, 0], [-90, 77], 20_015],
    ['nowhere', [12.3, 45.6], [12.3, 45.6], 0],
  ] as const) {
    const far = distanceKm({ latitude: a[0], longitude: a[1] }, { latitude: b[0], longitude: b[1] })
    t.ok(Math.abs(far - km) <= Math.max(2, km * 0.001), `${what}: ${far.toFixed(1)} km`)
  }
})

t.test('agrees with a general geodesy library, but for the radius of its sphere', async t => {
  const random = seededRandom(1)
  const anywhere = (): Coordinates => ({ latitude: random() * 180 - 90, longitude: random() * 360 - 180 })
  /** geolib calculates on a sphere of the equator's radius, in metres. */
  const toOurRadius = 6371.0088 / 6378.137 / 1000
  let worst = 0
  for (let i = 0; i < 20_000; i++) {
    const a = anywhere()
    const b = random() < 0.3 ? { latitude: a.latitude * 0.999, longitude: a.longitude * 0.999 } : anywhere()
    worst = Math.max(worst, Math.abs(distanceKm(a, b) - getDistance(a, b, 0.001) * toOurRadius))
  }
  t.ok(worst < 0.01, `within ten metres: ${worst} km`)
})

t.test('unit vectors lead back to where they came from', async t => {
  const random = seededRandom(2)
  for (let i = 0; i < 1000; i++) {
    const place = { latitude: random() * 179 - 89.5, longitude: random() * 359 - 179.5 }
    const back = toCoordinates(toUnitVector(place))!
    if (distanceKm(place, back) > 1e-6) t.same(back, place)
  }
  t.equal(toCoordinates({ x: 0, y: 0, z: 0 }), undefined, 'the middle of the earth lies in no direction')
})
