/** Pins how outlines of land are read and cut. */

import { readFileSync } from 'node:fs'
import t from 'tap'
import { type LandTopology, landRings } from '../../data/land.ts'
import { bundledData } from '../../src/paths.ts'

/** Arcs in whole degrees, put together to one ring for each list of their numbers. */
function rings(arcs: readonly (readonly [number, number])[][], ...polygons: number[][]): number[][] {
  const topology: LandTopology = {
    transform: { scale: [1, 1], translate: [0, 0] },
    arcs,
    objects: { land: { geometries: [{ arcs: polygons.map(polygon => [polygon]) }] } },
  }
  return landRings(topology)
}

/** In square degrees of a flat map. */
function area(ring: readonly number[]): number {
  let sum = 0
  for (let at = 0; at < ring.length; at += 2) {
    const [x, y, nextX, nextY] = [
      ring[at]!,
      ring[at + 1]!,
      ring[(at + 2) % ring.length]!,
      ring[(at + 3) % ring.length]!,
    ]
    sum += x * nextY - nextX * y
  }
  return Math.abs(sum) / 200
}

const square = [
  [0, 0],
  [10, 0],
  [0, 10],
  [-10, 0],
  [0, -10],
] as const satisfies (readonly [number, number])[]

t.test('arcs are differences, and may be used backwards', async t => {
  t.same(rings([[...square]], [0]), [[0, 0, 100, 0, 100, 100, 0, 100, 0, 0]])
  t.same(
    rings(
      [
        [
          [0, 0],
          [10, 0],
        ],
        [
          [0, 0],
          [0, 10],
          [10, -10],
        ],
      ],
      [0, ~1],
    ),
    [[0, 0, 100, 0, 0, 100, 0, 0]],
  )
})

t.test('what crosses the 180th meridian is cut there and keeps its area', async t => {
  const across = rings(
    [
      [
        [175, 0],
        [-350, 0],
        [0, 10],
        [350, 0],
        [0, -10],
      ],
    ],
    [0],
  )
  t.equal(across.length, 2)
  t.same(across.map(area), [50, 50])
  for (const ring of across) {
    const longitudes = ring.filter((_, at) => at % 2 === 0)
    t.ok(Math.max(...longitudes) - Math.min(...longitudes) <= 50, 'each on its own side')
  }
})

t.test('the south pole is left out', async t => {
  const south = square.map(([x, y], index) => (index === 0 ? [x, y - 80] : [x, y]) as [number, number])
  t.same(rings([south], [0]), [])
})

t.test('the land that comes with the program is on the globe, and no ring spans it', async t => {
  const land = JSON.parse(readFileSync(bundledData('land.json'), 'utf8')) as number[][]
  t.ok(land.length > 100)
  for (const ring of land) {
    const isOnGlobe = ring.every((value, at) => Math.abs(value) <= (at % 2 === 0 ? 1800 : 900))
    const isWhole = ring.every((value, at) => at % 2 === 1 || at < 2 || Math.abs(value - ring[at - 2]!) < 900)
    t.ok(ring.length % 2 === 0 && isOnGlobe && isWhole, `from ${ring.slice(0, 2)}`)
  }
})
