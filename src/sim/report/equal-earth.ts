/** The Equal Earth projection (Šavrič, Patterson and Jenny 2018): the whole world, with areas in proportion. */

const [a1, a2, a3, a4] = [1.340264, -0.081106, 0.000893, 0.003796]
const radians = Math.PI / 180
/** Half of the map's width, at the equator. */
const edge = project(0, 180)[0]

/** @returns x and y in radians, y to the north */
function project(latitude: number, longitude: number): [x: number, y: number] {
  const angle = Math.asin((Math.sqrt(3) / 2) * Math.sin(latitude * radians))
  const square = angle * angle
  const sixth = square * square * square
  const stretch = a1 + 3 * a2 * square + sixth * (7 * a3 + 9 * a4 * square)
  const x = (2 * Math.sqrt(3) * longitude * radians * Math.cos(angle)) / (3 * stretch)
  return [x, angle * (a1 + a2 * square + sixth * (a3 + a4 * square))]
}

export const mapWidth = 1000
const northernmost = project(80, 0)[1]
const southernmost = project(-57, 0)[1]
const unit = mapWidth / (2 * edge)
/** From 80° north to 57° south: where people live, and some room. */
export const mapHeight = Math.round((northernmost - southernmost) * unit)

/** Place on a map of `mapWidth` × `mapHeight`, from its upper left corner. */
export function placeOnMap(latitude: number, longitude: number): [x: number, y: number] {
  const [x, y] = project(latitude, longitude)
  return [(x + edge) * unit, (northernmost - y) * unit]
}
