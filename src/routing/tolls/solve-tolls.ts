/**
 * Prices at which nobody's own choice overfills a region: the dual of the transport problem that softmax routing solves.
 *
 * Every audience splits its demand by `affinity · exp(−toll/T)`. The tolls sought are the least ones, never negative, at
 * which no region gets more than its room; a region with room to spare costs nothing. That is an optimal transport problem
 * with entropy of weight T (Cuturi 2013). Scaling every region by what it gets over its room is Sinkhorn's iteration for it, with
 * inequalities (Benamou et al. 2015, section 5); dividing the step by how much of a region's demand has another choice makes
 * that Newton's step along the diagonal, which takes a third of the rounds.
 */

/** Who wants how much of what; rows of audiences in compressed form. */
export interface TollProblem {
  /** Row of audience a: entries `starts[a]` to `starts[a + 1]`. */
  readonly starts: Int32Array
  /** Region index of each entry. */
  readonly regions: Uint16Array
  /** Region's weight times exp(−(cost − least cost of the row)/T). */
  readonly affinity: Float64Array
  /** Requests a second of each audience. */
  readonly demand: Float64Array
  /** Slots that one request a second takes, by region: seconds of stay. */
  readonly slotsPerRate: Float64Array
  /** Slots that may be taken, by region; infinite where the capacity is not known. */
  readonly room: Float64Array
}

const mostRounds = 200
/** Of a whole step, since all regions move at once; and the least share of demand with another choice that is reckoned with. */
const damping = 0.7
const leastElastic = 0.1
const longestStepMs = 100
/** A round that moves no toll by more than this is the last, ms. */
const closeMs = 0.01
export const mostTollMs = 400

/**
 * Slots taken by region at these tolls.
 *
 * @param elastic share of a region's slots whose takers would rather go elsewhere, the more the less sure they are of it
 */
export function slotsTaken(
  problem: TollProblem,
  tolls: Float64Array,
  temperatureMs: number,
  into: Float64Array,
  elastic?: Float64Array,
): void {
  const { starts, regions, affinity, demand, slotsPerRate } = problem
  const scale = Float64Array.from(tolls, toll => Math.exp(-toll / temperatureMs))
  into.fill(0)
  elastic?.fill(0)
  for (let row = 0; row < demand.length; row++) {
    const from = starts[row]!
    const to = starts[row + 1]!
    let sum = 0
    for (let i = from; i < to; i++) sum += affinity[i]! * scale[regions[i]!]!
    if (sum <= 0) continue
    for (let i = from; i < to; i++) {
      const region = regions[i]!
      const share = (affinity[i]! * scale[region]!) / sum
      into[region]! += demand[row]! * share
      if (elastic !== undefined) elastic[region]! += demand[row]! * share * (1 - share)
    }
  }
  for (let region = 0; region < into.length; region++) {
    if (elastic !== undefined && into[region]! > 0) elastic[region]! /= into[region]!
    into[region]! *= slotsPerRate[region]!
  }
}

/**
 * Moves `tolls` (ms, by region) to where the problem has its solution; the nearer they start, the sooner it is done.
 *
 * @returns rounds taken
 */
export function solveTolls(problem: TollProblem, tolls: Float64Array, temperatureMs: number): number {
  const taken = new Float64Array(tolls.length)
  const elastic = new Float64Array(tolls.length)
  for (let round = 1; round <= mostRounds; round++) {
    slotsTaken(problem, tolls, temperatureMs, taken, elastic)
    let moved = 0
    for (let region = 0; region < tolls.length; region++) {
      const step = stepOf(taken[region]!, problem.room[region]!, elastic[region]!, temperatureMs)
      const next = Math.min(mostTollMs, Math.max(0, tolls[region]! + step))
      moved = Math.max(moved, Math.abs(next - tolls[region]!))
      tolls[region] = next
    }
    if (moved < closeMs) return round
  }
  return mostRounds
}

/** ms, upwards where more is taken than there is room for. */
function stepOf(taken: number, room: number, elastic: number, temperatureMs: number): number {
  if (taken <= 0 || room === Number.POSITIVE_INFINITY) return -longestStepMs
  const step = (damping * temperatureMs * Math.log(taken / room)) / Math.max(leastElastic, elastic)
  return Math.min(longestStepMs, Math.max(-longestStepMs, step))
}
