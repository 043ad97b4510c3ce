import t from 'tap'
import type { Random } from '../../../src/clock.ts'
import { mostTollMs, slotsTaken, solveTolls, type TollProblem } from '../../../src/routing/tolls/solve-tolls.ts'
import { randomInteger, seededRandom } from '../../support/seeded-random.ts'

const temperatureMs = 4

/** @param costs by audience, then region, ms; Infinity: may not go there */
function problemOf(
  costs: number[][],
  demand: number[],
  room: number[],
  stay: number[] = room.map(() => 1),
): TollProblem {
  const starts = [0]
  const regions: number[] = []
  const affinity: number[] = []
  for (const row of costs) {
    const least = Math.min(...row)
    row.forEach((cost, region) => {
      if (cost === Number.POSITIVE_INFINITY) return
      regions.push(region)
      affinity.push(Math.exp(-(cost - least) / temperatureMs))
    })
    starts.push(regions.length)
  }
  return {
    starts: Int32Array.from(starts),
    regions: Uint16Array.from(regions),
    affinity: Float64Array.from(affinity),
    demand: Float64Array.from(demand),
    slotsPerRate: Float64Array.from(stay),
    room: Float64Array.from(room),
  }
}

function solve(problem: TollProblem) {
  const tolls = new Float64Array(problem.room.length)
  const rounds = solveTolls(problem, tolls, temperatureMs)
  const taken = new Float64Array(tolls.length)
  slotsTaken(problem, tolls, temperatureMs, taken)
  return { tolls, taken, rounds }
}

const rounded = (values: Float64Array): number[] => [...values].map(value => Math.round(value * 10) / 10)

t.test('where there is room for all, nothing costs anything', async t => {
  const { tolls, taken } = solve(
    problemOf(
      [
        [10, 200],
        [200, 10],
      ],
      [50, 50],
      [90, 90],
    ),
  )
  t.same(rounded(tolls), [0, 0])
  t.same(rounded(taken), [50, 50])
})

t.test('a full region is as dear as the way to the next one for those who have the best of it', async t => {
  const { tolls, taken } = solve(
    problemOf(
      [
        [10, 60],
        [10, 160],
      ],
      [50, 50],
      [60, 90],
    ),
  )
  t.same(rounded(taken), [60, 40])
  t.ok(tolls[0]! > 45 && tolls[0]! < 60, `the first audience has another way, 50 ms longer: ${tolls[0]}`)
  t.equal(tolls[1], 0)
})

t.test('requests that stay longer take more slots', async t => {
  const { taken } = solve(problemOf([[10, 11]], [100], [20, 500], [0.5, 4]))
  t.ok(Math.abs(taken[0]! - 20) < 0.05)
  t.ok(Math.abs(taken[1]! - (100 - 20 / 0.5) * 4) < 0.5)
})

t.test('where nobody can go elsewhere, the toll says so and stays bounded', async t => {
  const { tolls } = solve(problemOf([[10, Number.POSITIVE_INFINITY]], [100], [10, 10]))
  t.same(rounded(tolls), [mostTollMs, 0])
})

t.test('a region without a known capacity has no toll', async t => {
  const { tolls } = solve(problemOf([[10, 20]], [1000], [Number.POSITIVE_INFINITY, 5]))
  t.equal(tolls[0], 0)
})

function randomProblem(random: Random): TollProblem {
  const regions = 2 + randomInteger(random, 6)
  const audiences = 1 + randomInteger(random, 30)
  const costs = Array.from({ length: audiences }, () => Array.from({ length: regions }, () => 10 + 150 * random()))
  const demand = Array.from({ length: audiences }, () => 20 * random())
  const slots = Array.from({ length: regions }, () => 1 + random())
  const rooms = slots.map(each => (each / slots.reduce((a, b) => a + b)) * 1.15 * demand.reduce((a, b) => a + b))
  return problemOf(costs, demand, rooms)
}

t.test('random problems: no region overfull, and a toll only where one is full', async t => {
  const random = seededRandom(4)
  for (let round = 0; round < 300; round++) {
    const problem = randomProblem(random)
    const { tolls, taken } = solve(problem)
    for (let region = 0; region < tolls.length; region++) {
      const share = taken[region]! / problem.room[region]!
      if (share > 1.04) t.fail(`round ${round}: region ${region} is at ${share}`)
      if (tolls[region]! > 0.1 && share < 0.96) t.fail(`round ${round}: a toll of ${tolls[region]} at ${share}`)
    }
  }
  t.pass('300 random problems')
})

t.test('started from the last tolls, a small change is soon worked in', async t => {
  const random = seededRandom(5)
  const problem = randomProblem(random)
  const { tolls } = solve(problem)
  problem.demand[0]! *= 1.02
  t.ok(solveTolls(problem, tolls, temperatureMs) <= 60)
})
