/**
 * The point on the globe with the smallest mean distance to weighted points.
 *
 * Weiszfeld's iteration in the tangent plane, with the step of Vardi and Zhang (PNAS 97, 2000) for an estimate that lies
 * on one of the points, where Weiszfeld's divides by zero.
 */

import { type Coordinates, toCoordinates, toUnitVector, type UnitVector } from '../src/geo/coordinates.ts'

export interface WeightedPoint {
  readonly coordinates: Coordinates
  readonly weight: number
}

const maxSteps = 500
/** Radians: less than a metre. */
const precision = 1e-7

/** @param points at least one, and not spread over more than a hemisphere: there the median may not be unique */
export function geometricMedian(points: readonly WeightedPoint[]): Coordinates {
  const vectors = points.map(({ coordinates, weight }) => ({ vector: toUnitVector(coordinates), weight }))
  const heaviest = vectors.reduce((best, point) => (point.weight > best.weight ? point : best)).vector
  let estimate = toUnitVector(toCoordinates(weightedMean(vectors)) ?? toCoordinates(heaviest)!)
  for (let step = 0; step < maxSteps; step++) {
    const move = tangentStep(estimate, vectors)
    const length = Math.hypot(move.x, move.y, move.z)
    if (length < precision) break
    estimate = combine(estimate, Math.cos(length), move, Math.sin(length) / length)
  }
  // Where one city is half the country the median is that city, and the way there is endless.
  return toCoordinates(cost(heaviest, vectors) <= cost(estimate, vectors) ? heaviest : estimate)!
}

interface WeightedVector {
  readonly vector: UnitVector
  readonly weight: number
}

function tangentStep(from: UnitVector, points: readonly WeightedVector[]): UnitVector {
  let pull: UnitVector = { x: 0, y: 0, z: 0 }
  let inertia = 0
  let here = 0
  for (const { vector, weight } of points) {
    const angle = angleBetween(from, vector)
    if (angle < precision) {
      here += weight
      continue
    }
    const along = combine(vector, 1, from, -dot(from, vector))
    pull = combine(pull, 1, along, weight / Math.hypot(along.x, along.y, along.z))
    inertia += weight / angle
  }
  const strength = Math.hypot(pull.x, pull.y, pull.z)
  if (strength <= here) return { x: 0, y: 0, z: 0 }
  return combine(pull, (1 - here / strength) / inertia, pull, 0)
}

function cost(from: UnitVector, points: readonly WeightedVector[]): number {
  return points.reduce((sum, { vector, weight }) => sum + weight * angleBetween(from, vector), 0)
}

function weightedMean(points: readonly WeightedVector[]): UnitVector {
  return points.reduce((sum, { vector, weight }) => combine(sum, 1, vector, weight), { x: 0, y: 0, z: 0 })
}

function combine(a: UnitVector, timesA: number, b: UnitVector, timesB: number): UnitVector {
  return { x: a.x * timesA + b.x * timesB, y: a.y * timesA + b.y * timesB, z: a.z * timesA + b.z * timesB }
}

function dot(a: UnitVector, b: UnitVector): number {
  return a.x * b.x + a.y * b.y + a.z * b.z
}

function angleBetween(a: UnitVector, b: UnitVector): number {
  return 2 * Math.asin(Math.min(1, Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z) / 2))
}
