/**
 * The outlines of land, for maps: reads the topology of the `world-atlas` package (TopoJSON specification, "Arcs") and
 * makes it as coarse as a map of the whole world needs.
 */

/** What is read of a TopoJSON file that holds land alone. */
export interface LandTopology {
  readonly transform: { readonly scale: readonly [number, number]; readonly translate: readonly [number, number] }
  /** Each a line of differences from the point before, in units of `transform`. */
  readonly arcs: readonly (readonly (readonly [number, number])[])[]
  readonly objects: {
    readonly land: {
      readonly geometries: readonly { readonly arcs: readonly (readonly (readonly number[])[])[] }[]
    }
  }
}

/** South of here nobody sends requests; in tenths of a degree. */
const southernmost = -600

/** @returns closed rings of longitudes and latitudes in turn, in tenths of a degree, Antarctica left out */
export function landRings({ transform, arcs, objects }: LandTopology): number[][] {
  const lines = arcs.map(arc => pointsOf(arc, transform))
  return objects.land.geometries
    .flatMap(geometry => geometry.arcs.flat())
    .map(ring => ring.flatMap(index => (index < 0 ? lines[~index]!.toReversed() : lines[index]!)))
    .flatMap(cutAtDateLine)
    .map(withoutRepeats)
    .filter(ring => ring.length > 3 && Math.max(...ring.map(([, latitude]) => latitude)) > southernmost)
    .map(ring => ring.flat())
}

type Point = readonly [longitude: number, latitude: number]

function pointsOf(arc: LandTopology['arcs'][number], { scale, translate }: LandTopology['transform']): Point[] {
  let [x, y] = [0, 0]
  return arc.map(([dx, dy]) => {
    x += dx
    y += dy
    return [Math.round(10 * (x * scale[0] + translate[0])), Math.round(10 * (y * scale[1] + translate[1]))]
  })
}

/** A ring that crosses the 180th meridian becomes one ring on each side of it. None here goes around a pole but Antarctica. */
function cutAtDateLine(ring: readonly Point[]): Point[][] {
  let turns = 0
  const unrolled = ring.map(([x, y], index): Point => {
    const before = ring[index - 1]?.[0] ?? x
    if (Math.abs(x - before) > 1800) turns += x < before ? 3600 : -3600
    return [x + turns, y]
  })
  return [-3600, 0, 3600]
    .map(shift => unrolled.map(([x, y]): Point => [x + shift, y]))
    .map(shifted => keepSide(keepSide(shifted, -1800, 1), 1800, -1))
    .filter(part => part.length > 0)
}

/** What lies east (`side` 1) or west (-1) of a meridian: Sutherland and Hodgman 1974, for one edge. */
function keepSide(ring: readonly Point[], meridian: number, side: 1 | -1): Point[] {
  const isKept = ([x]: Point): boolean => side * (x - meridian) >= 0
  return ring.flatMap((to, index) => {
    const from = ring.at(index - 1)!
    if (isKept(from) === isKept(to)) return isKept(to) ? [to] : []
    const share = (meridian - from[0]) / (to[0] - from[0])
    const crossing: Point = [meridian, Math.round(from[1] + share * (to[1] - from[1]))]
    return isKept(to) ? [crossing, to] : [crossing]
  })
}

function withoutRepeats(points: readonly Point[]): Point[] {
  return points.filter(([x, y], index) => {
    const before = points[index - 1]
    return before === undefined || before[0] !== x || before[1] !== y
  })
}
