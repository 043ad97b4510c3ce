import t from 'tap'
import { mapHeight, mapWidth, placeOnMap } from '../../../src/sim/report/equal-earth.ts'

t.test('the map is symmetric and as wide as it says', async t => {
  const [left, equator] = placeOnMap(0, -180)
  t.ok(Math.abs(left) < 1e-9)
  t.same(placeOnMap(0, 180), [mapWidth, equator])
  t.same(placeOnMap(0, 0), [mapWidth / 2, equator])
  const [[east, north], [west, south]] = [placeOnMap(50, 100), placeOnMap(-50, -100)]
  t.ok(Math.abs(east + west - mapWidth) < 1e-9 && Math.abs(north + south - 2 * equator) < 1e-9)
  t.ok(placeOnMap(79, 0)[1] > 0 && placeOnMap(-56, 0)[1] < mapHeight)
})

t.test('equal areas are equal on the map, wherever they are', async t => {
  const step = 1e-4
  const areaAt = (latitude: number, longitude: number): number => {
    const [x, y] = placeOnMap(latitude, longitude)
    const [eastX, eastY] = placeOnMap(latitude, longitude + step)
    const [northX, northY] = placeOnMap(latitude + step, longitude)
    const onMap = Math.abs((eastX - x) * (northY - y) - (northX - x) * (eastY - y))
    return onMap / Math.cos((latitude * Math.PI) / 180)
  }
  const reference = areaAt(0, 0)
  for (const [latitude, longitude] of [
    [10, 30],
    [35.7, 139.7],
    [-33.9, 151.2],
    [64, -21],
    [-54, -68],
  ] as const)
    t.ok(Math.abs(areaAt(latitude, longitude) / reference - 1) < 1e-4, `${latitude}, ${longitude}`)
})
