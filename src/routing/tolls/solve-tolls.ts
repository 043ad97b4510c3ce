/**
 * Prices at which nobody's own choice overfills a region: the dual of the transport problem that softmax routing solves.
 *
 * Every audience splits its demand by `affinity · exp(−toll/T)`. The tolls sought are the least ones, never negative, at
 * which no region gets more than its room; a region with room to spare costs nothing. That is an optimal transport problem
 * with entropy of weight T (Cuturi 2013), and scaling one region after the other is Sinkhorn's iteration for it, with
 * inequalities (Benamou et al. 2015, section 5).
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
/** A round that moves no toll by more than this is the last, ms. */
const closeMs = 0.01
export const mostTollMs = 400

/** Slots taken by region at these tolls. */
export function slotsTaken(problem: TollProblem, tolls: Float64Array, temperatureMs: number, into: Float64Array): void {
  const { starts, regions, affinity, demand, slotsPerRate } = problem
  const scale = Float64Array.from(tolls, toll => Math.exp(-toll / temperatureMs))
  into.fill(0)
  for (let row = 0; row < demand.length; row++) {
    const [from, to] = [starts[row]!, starts[row + 1]!]
    let sum = 0
    for (let i = from; i < to; i++) sum += affinity[i]! * scale[regions[i]!]!
    if (sum <= 0) continue
    const rate = demand[row]! / sum
    for (let i = from; i < to; i++) into[regions[i]!]! += rate * affinity[i]! * scale[regions[i]!]!
  }
  for (let region = 0; region < into.length; region++) into[region]! *= slotsPerRate[region]!
}

/**
 * Moves `tolls` (ms, by region) to where the problem has its solution; the nearer they start, the sooner it is done.
 *
 * @returns rounds taken
 */
export function solveTolls(problem: TollProblem, tolls: Float64Array, temperatureMs: number): number {
  const taken = new Float64Array(tolls.length)
  for (let round = 1; round <= mostRounds; round++) {
    slotsTaken(problem, tolls, temperatureMs, taken)
    let moved = 0
    for (let region = 0; region < tolls.length; region++) {
      const toll = tolls[region]!
      const wanted = taken[region]! > 0 ? toll + temperatureMs * Math.log(taken[region]! / problem.room[region]!) : 0
      const next = Math.min(mostTollMs, Math.max(0, wanted))
      moved = Math.max(moved, Math.abs(next - toll))
      tolls[region] = next
    }
    if (moved < closeMs) return round
  }
  return mostRounds
}
