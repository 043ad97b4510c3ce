/** Pins that the solver finds the cheapest split: tables that a person can solve, then random ones against a naive one. */

import t from 'tap'
import { loadHighs, TransportSolver } from '../../src/sim/transport.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'

const highs = await loadHighs()
const never = Number.POSITIVE_INFINITY

function solve(
  costs: readonly (readonly number[])[],
  demand: readonly number[],
  room: readonly number[],
): number[][] | undefined {
  const solver = new TransportSolver(highs, Float64Array.from(costs.flat()), demand.length, room.length)
  try {
    const amounts = solver.solve(Float64Array.from(demand), Float64Array.from(room))
    if (amounts === undefined) return undefined
    return costs.map((row, place) =>
      row.map((_, region) => Math.round(1e6 * amounts[place * row.length + region]!) / 1e6),
    )
  } finally {
    solver.close()
  }
}

t.test('tables', async t => {
  for (const [costs, demand, room, expected, why] of [
    [[[5]], [3], [4], [[3]], 'one place, one region'],
    [[[5]], [4.5], [4], undefined, 'no room'],
    [[[5]], [0], [4], [[0]], 'nobody asks'],
    [[[1, 9]], [10], [20, 20], [[10, 0]], 'the nearest has room'],
    [[[1, 9]], [10], [7, 20], [[7, 3]], 'what it cannot take goes on'],
    [
      [
        [10, 20],
        [10, 90],
      ],
      [5, 5],
      [5, 10],
      [
        [0, 5],
        [5, 0],
      ],
      'who has the better alternative gives way',
    ],
    [
      [
        [10, 40, 90],
        [20, 30, 70],
        [50, 35, 40],
      ],
      [4, 4, 4],
      [6, 3, 9],
      [
        [4, 0, 0],
        [2, 2, 0],
        [0, 1, 3],
      ],
      'a chain of three',
    ],
    [[[1, never]], [10], [7, 20], undefined, 'the other cannot be reached'],
    [
      [
        [1, never],
        [2, 3],
      ],
      [7, 7],
      [7, 20],
      [
        [7, 0],
        [0, 7],
      ],
      'one who can go elsewhere does',
    ],
  ] as [number[][], number[], number[], number[][] | undefined, string][]) {
    t.same(solve(costs, demand, room), expected, why)
  }
})

/** Least cost by successive shortest augmenting paths (Bellman–Ford), a unit at a time. */
function leastCost(costs: number[][], demand: number[], room: number[]): number {
  const amounts = costs.map(row => row.map(() => 0))
  let total = 0
  demand.forEach((units, from) => {
    for (let unit = 0; unit < units; unit++) {
      // Node 0 … n−1: places, n …: regions. A place may hand over what another has brought to a region.
      const n = demand.length
      const distance = new Array<number>(n + room.length).fill(never)
      const before = new Array<number>(distance.length).fill(-1)
      distance[from] = 0
      for (let round = 0; round < distance.length; round++) {
        costs.forEach((row, place) => {
          row.forEach((cost, region) => {
            if (distance[place]! + cost < distance[n + region]! - 1e-9) {
              distance[n + region] = distance[place]! + cost
              before[n + region] = place
            }
            if (amounts[place]![region]! > 0 && distance[n + region]! - cost < distance[place]! - 1e-9) {
              distance[place] = distance[n + region]! - cost
              before[place] = n + region
            }
          })
        })
      }
      let at = -1
      room.forEach((slots, region) => {
        const used = amounts.reduce((sum, row) => sum + row[region]!, 0)
        if (used < slots && (at < 0 || distance[n + region]! < distance[at]!)) at = n + region
      })
      if (at < 0 || distance[at] === never) throw new Error('no room')
      total += distance[at]!
      for (; before[at]! >= 0; at = before[at]!) {
        if (at >= n) amounts[before[at]!]![at - n]!++
        else amounts[at]![before[at]! - n]!--
      }
    }
  })
  return total
}

t.test('random small tables cost what unit by unit does, whatever was solved before', async t => {
  const random = seededRandom(11)
  for (let round = 0; round < 30; round++) {
    const [places, regions] = [1 + randomInteger(random, 6), 1 + randomInteger(random, 5)]
    const costs = Array.from({ length: places }, () => Array.from({ length: regions }, () => randomInteger(random, 50)))
    const solver = new TransportSolver(highs, Float64Array.from(costs.flat()), places, regions)
    for (let again = 0; again < 4; again++) {
      const demand = Array.from({ length: places }, () => randomInteger(random, 8))
      const sum = demand.reduce((a, b) => a + b, 0)
      const room = Array.from({ length: regions }, () => Math.ceil(sum / regions) + randomInteger(random, 4))
      const amounts = solver.solve(Float64Array.from(demand), Float64Array.from(room))!
      const cost = costs.flat().reduce((total, each, cell) => total + each * amounts[cell]!, 0)
      t.ok(Math.abs(cost - leastCost(costs, demand, room)) < 1e-6, `${places} × ${regions}, round ${round}.${again}`)
      const brought = demand.map((_, place) =>
        amounts.subarray(place * regions, (place + 1) * regions).reduce((a, b) => a + b, 0),
      )
      t.ok(
        brought.every((amount, place) => Math.abs(amount - demand[place]!) < 1e-6),
        'all are served',
      )
      t.ok(
        room.every(
          (most, region) =>
            amounts.filter((_, cell) => cell % regions === region).reduce((a, b) => a + b, 0) < most + 1e-6,
        ),
        'no region is overfilled',
      )
    }
    solver.close()
  }
})
