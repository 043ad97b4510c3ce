import t from 'tap'
import type { AudienceDemand, DemandSums } from '../../../src/regions/router-sums.ts'
import type { RegionState } from '../../../src/regions/snapshot.ts'
import type { LiveRouter } from '../../../src/routing/router.ts'
import { poseProblem } from '../../../src/routing/tolls/pose-problem.ts'
import type { TollProblem } from '../../../src/routing/tolls/solve-tolls.ts'
import type { TollController } from '../../../src/routing/tolls/toll-controller.ts'
import { down, draining, load, type PlaceName, places, region, routerOf, rule, state } from '../../support/world.ts'

const since = -1e6
const target = 0.95

const asked = (place: PlaceName, requestsPerSecond: number, more: Partial<AudienceDemand> = {}): AudienceDemand => {
  const { latitude, longitude, country } = places[place]
  return { rule: 'test', latitude, longitude, country, requestsPerSecond, ...more }
}

const sums = (demand: readonly AudienceDemand[], restPerSecond = 0): DemandSums => ({
  demand: [...demand],
  restPerSecond,
})

/** The problem as the router itself would pose it: `stepTolls` hands its workings to whoever makes the tolls. */
function pose(router: LiveRouter, everyone: readonly DemandSums[]): TollProblem {
  let problem: TollProblem | undefined
  const step: TollController['step'] = (workings, condition, everyone) => {
    problem = poseProblem(workings, condition.withoutTolls(), everyone, target)
    return new Map()
  }
  router.stepTolls({ step } as TollController, everyone, 0)
  return problem!
}

/** By audience: its demand, and the regions between which it has a choice. */
function rows(problem: TollProblem, states: readonly RegionState[]) {
  const ids = states.map(({ region }) => region.id).sort()
  const { starts, regions, demand } = problem
  return [...demand].map((perSecond, row) => {
    const choice = [...regions.subarray(starts[row], starts[row + 1])].map(region => ids[region]!)
    return [Math.round(100 * perSecond) / 100, choice.sort()]
  })
}

const cloud = (id: string, place: PlaceName, more: Partial<RegionState> = {}) =>
  state(region(id, place), { load: load(0, 100), since, ...more })
const edge = (id: string, place: PlaceName, more: Partial<RegionState> = {}) =>
  state(region(id, place, { tier: 'edge' }), { load: load(0, 10), since, ...more })

t.test('which regions an audience can be priced away to', async t => {
  const strict = rule({ tiers: ['edge', 'cloud'] })
  const open = rule({ tiers: ['edge', 'cloud'], strict: false, tierStepMs: 20 })
  const usable = [edge('edge-ams', 'amsterdam'), edge('edge-lon', 'london'), cloud('cloud-fra', 'frankfurt')]
  for (const [states, asking, expected, why] of [
    [usable, strict, ['edge-ams', 'edge-lon'], 'strict: a price moves nobody to a later tier'],
    [usable, open, ['cloud-fra', 'edge-ams', 'edge-lon'], 'not strict: tiers are prices as well'],
    [
      [edge('edge-ams', 'amsterdam', { verdict: down }), edge('edge-lon', 'london'), cloud('cloud-fra', 'frankfurt')],
      strict,
      ['edge-lon'],
      'a region in doubt takes no part',
    ],
    [
      [
        edge('edge-ams', 'amsterdam', { verdict: down }),
        edge('edge-lon', 'london', { verdict: draining }),
        cloud('cloud-fra', 'frankfurt'),
      ],
      strict,
      ['cloud-fra'],
      'without a usable region the next tier is the first',
    ],
    [
      [
        cloud('cloud-fra', 'frankfurt'),
        cloud('cloud-near', 'london'),
        state(region('cloud-dear', 'london', { biasMs: 5000 }), { since }),
      ],
      strict,
      ['cloud-fra', 'cloud-near'],
      'no toll makes up for five seconds',
    ],
  ] as const) {
    const problem = pose(routerOf(states, { rules: [asking] }), [sums([asked('amsterdam', 30)])])
    t.same(rows(problem, states), [[30, expected]], why)
  }
})

t.test('tolls that hold are left out of the problem', async t => {
  const states = (tollMs: number) => [cloud('ams', 'amsterdam', { tollMs }), cloud('fra', 'frankfurt')]
  const affinity = (tollMs: number) =>
    [...pose(routerOf(states(tollMs), { rules: [rule()] }), [sums([asked('amsterdam', 10)])]).affinity].sort()
  t.same(affinity(300), affinity(0))
})

t.test('room: the target share of what is known and allowed, without end where nothing is known', async t => {
  const states = [
    cloud('a-known', 'amsterdam'),
    state(region('b-unknown', 'frankfurt'), { since }),
    state(region('c-declared', 'london', { capacityRequests: 40 }), { since }),
    cloud('d-new', 'warsaw', { since: 0 }),
  ]
  const { room, slotsPerRate } = pose(routerOf(states, { rules: [rule()] }), [])
  t.same([...room].slice(0, 3), [95, Number.POSITIVE_INFINITY, 38])
  t.ok(room[3]! > 0 && room[3]! < 95, `slow start allows ${room[3]}`)
  t.same([...slotsPerRate], [1, 1, 1, 1], 'a second of stay, reported or assumed')
})

t.test('demand: of all routers together, what is not listed spread like what is', async t => {
  const states = [cloud('ams', 'amsterdam'), cloud('nrt', 'tokyo')]
  for (const [everyone, expected, why] of [
    [[sums([asked('amsterdam', 10)]), sums([asked('amsterdam', 5)])], [15], 'two routers, one audience'],
    [[sums([asked('amsterdam', 30), asked('tokyo', 10)], 20)], [45, 15], 'the rest in proportion'],
    [[sums([asked('amsterdam', 30)], 30), sums([asked('tokyo', 10)])], [60, 10], 'of each router by itself'],
    [[sums([], 100)], [], 'a rest beside nothing is nobody known'],
    [[sums([asked('amsterdam', 10), asked('amsterdam', 10, { rule: 'gone' })])], [10], 'a rule that is not here'],
    [[sums([asked('amsterdam', 10), asked('tokyo', 10, { country: 'XX' })])], [10], 'a cell that is not here'],
    [
      [sums([asked('amsterdam', 10), asked('amsterdam', 4, { capability: 'nobody-has-it' })])],
      [10, 4],
      'an audience of its own',
    ],
  ] as const) {
    const { demand } = pose(routerOf(states, { rules: [rule()] }), everyone)
    t.same([...demand], expected, why)
  }
})

t.test('an audience that no region serves has no choice, and takes up no room', async t => {
  const states = [cloud('ams', 'amsterdam')]
  const problem = pose(routerOf(states, { rules: [rule()] }), [
    sums([asked('amsterdam', 4, { capability: 'nobody-has-it' }), asked('tokyo', 2)]),
  ])
  t.same(rows(problem, states), [
    [4, []],
    [2, ['ams']],
  ])
})
