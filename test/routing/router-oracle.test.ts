/** Random fleets, rules and clients: the router against a version that follows the definition word by word. */

import t from 'tap'
import type { Random } from '../../src/clock.ts'
import type { Rule } from '../../src/config/rule.ts'
import { distanceKm } from '../../src/geo/coordinates.ts'
import { europeanUnion } from '../../src/regions/jurisdiction.ts'
import { type Tier, tiers } from '../../src/regions/region.ts'
import type { RegionState } from '../../src/regions/snapshot.ts'
import { barrierMs } from '../../src/routing/barrier.ts'
import { reportedPressure } from '../../src/routing/reported-load.ts'
import { continentIndex, rttPriorMs } from '../../src/routing/rtt-prior.ts'
import { randomInteger, seededRandom } from '../support/seeded-random.ts'
import {
  clientIn,
  down,
  draining,
  load,
  type PlaceName,
  places,
  region,
  routerOf,
  rule,
  snapshotOf,
  state,
  up,
} from '../support/world.ts'

const names = Object.keys(places) as PlaceName[]

interface Case {
  readonly states: readonly RegionState[]
  readonly homes: ReadonlyMap<string, PlaceName>
  readonly rule: Rule
}

function randomCase(random: Random): Case {
  const one = <T>(of: readonly T[]): T => of[randomInteger(random, of.length)]!
  const homes = new Map<string, PlaceName>()
  const states = Array.from({ length: 1 + randomInteger(random, 12) }, (_, i) => {
    const place = one(names)
    homes.set(`r${i}`, place)
    const spec = region(`r${i}`, place, {
      tier: one(tiers),
      jurisdiction: places[place].country,
      capabilities: random() < 0.7 ? ['small'] : [],
      weight: one([0, 1, 1, 1, 2.5]),
      biasMs: one([0, 0, 0, 15, -15]),
    })
    return state(spec, {
      verdict: one([up, up, up, down, draining]),
      tollMs: one([0, 0, 30, random() * 50]),
      serviceMs: one([0, 5]),
      ...(random() < 0.5 && { load: load(one([10, 96, 99, 101, 130]), 100) }),
    })
  })
  const some = tiers.filter(() => random() < 0.7)
  return {
    homes,
    states: snapshotOf(states).regions,
    rule: rule({
      tiers: some.length > 0 ? some : [one(tiers)],
      strict: random() < 0.5,
      pick: one(['weighted', 'lowest']),
      ...(random() < 0.3 && { capability: { value: 'small' } }),
      ...(random() < 0.3 && { residency: { unknownCountry: 'refuse', EU: ['EU'] } }),
      ...(random() < 0.3 && { lastResort: 'r0' }),
    }),
  }
}

interface Priced {
  readonly state: RegionState
  readonly group: number
  readonly slow: number
  readonly total: number
  readonly full: boolean
}

function price({ states, homes, rule }: Case, from: PlaceName): Priced[] {
  const client = places[from]
  return states
    .filter(({ region }) => rule.tiers.includes(region.tier))
    .filter(({ region }) => rule.capability === undefined || region.capabilities.includes('small'))
    .filter(each => isResident(each, rule, client.country))
    .map(each => {
      const home = places[homes.get(each.region.id)!]
      const step = rule.tiers.indexOf(each.region.tier as Tier)
      const km = distanceKm(client, each.region.coordinates)
      const rtt = rttPriorMs(km, continentIndex(client.continent), continentIndex(home.continent))
      const slow = rtt + (rule.strict ? 0 : step * rule.tierStepMs) + each.region.biasMs + each.tollMs + each.serviceMs
      const used = each.load === undefined ? 0 : Math.max(reportedPressure(each.load), each.load.inflight! / 100)
      const barrier = each.load === undefined ? 0 : barrierMs(100 * used, 100, each.load.latencyMs!)
      // Weight 0 takes clients only when no other can: behind every tier.
      const group = each.region.weight === 0 ? tiers.length : rule.strict ? step : 0
      return { state: each, group, slow, total: slow + barrier, full: used >= 0.95 }
    })
}

function isResident({ region }: RegionState, { residency }: Rule, country: string): boolean {
  return residency === undefined || !europeanUnion.has(country) || europeanUnion.has(region.jurisdiction!)
}

/** The regions among which the definition would choose, with their weights; several only when the pick is weighted. */
function contenders(world: Case, from: PlaceName): Map<string, number> {
  const priced = price(world, from).filter(({ state }) => state.verdict !== draining)
  const certain = priced.filter(({ state }) => state.verdict !== down)
  const usable = certain.length > 0 ? certain : priced
  if (usable.length === 0) {
    const last = world.states.find(({ region }) => region.id === world.rule.lastResort)
    return new Map(
      last !== undefined && isResident(last, world.rule, places[from].country) ? [[last.region.id, 1]] : [],
    )
  }
  const groups = [...new Set(usable.map(each => each.group))].sort((a, b) => a - b)
  const open = groups.find(group => usable.some(each => each.group === group && !each.full))
  const inPlay = usable.filter(each => open === undefined || each.group === open)
  const least = Math.min(...inPlay.map(each => each.total))
  if (world.rule.pick === 'lowest')
    return new Map(inPlay.filter(e => e.total === least).map(e => [e.state.region.id, 1]))
  const weights = inPlay
    .map(each => ({ ...each, relative: Math.exp(-(each.total - least) / 8) }))
    .filter(each => each.relative >= 0.01)
    .map(each => [each.state.region.id, each.relative * each.state.region.weight] as const)
  const positive = weights.filter(([, weight]) => weight > 0)
  return new Map(positive.length > 0 ? positive : weights)
}

t.test('the router chooses what the definition would choose', async t => {
  const random = seededRandom(2)
  for (let round = 0; round < 3000; round++) {
    const world = randomCase(random)
    const from = names[randomInteger(random, names.length)]!
    const request = { address: clientIn(from, randomInteger(random, 200)), host: 'x', path: '/', method: 'GET' }
    const router = routerOf(world.states, { rules: [world.rule] })
    const trace = router.explain(request)
    const expected = contenders(world, from)
    const best = router.route(request).best?.id
    const fine = best === undefined ? expected.size === 0 : expected.has(best)
    if (!fine || best !== (trace.region ?? undefined)) {
      t.fail(`round ${round}: ${best} is not among ${[...expected.keys()]}`, { rule: world.rule, trace })
      return
    }
    if (world.rule.pick === 'weighted' && expected.size > 1) {
      const sum = [...expected.values()].reduce((total, weight) => total + weight, 0)
      for (const { region, share } of trace.candidates) {
        const right = sum === 0 ? share : (expected.get(region) ?? 0) / sum
        if (Math.abs(share - right) > 0.0001) t.equal(share, right, `round ${round}: share of ${region}`)
      }
    }
    const places = trace.candidates.length + trace.rejected.length
    if (places !== world.states.length)
      t.equal(places, world.states.length, `round ${round}: every region is explained`)
  }
  t.pass('3000 random worlds')
})

t.test('nothing that is forbidden is ever in the list, and nobody is in it twice', async t => {
  const random = seededRandom(3)
  for (let round = 0; round < 2000; round++) {
    const world = randomCase(random)
    const from = names[randomInteger(random, names.length)]!
    const decision = routerOf(world.states, { rules: [world.rule] }).route({
      address: clientIn(from),
      host: 'x',
      path: '/',
      method: 'GET',
    })
    const listed = decision.ranked.map(each => each.region.id)
    const allowed = price(world, from)
      .filter(({ state }) => state.verdict !== draining)
      .map(({ state }) => state.region.id)
    const expected = allowed.length > 0 ? allowed.sort() : listed
    if (new Set(listed).size !== listed.length || [...listed].sort().join() !== expected.join()) {
      t.same([...listed].sort(), expected, `round ${round}`)
      return
    }
  }
  t.pass('2000 random worlds')
})

t.test('a share that moves takes along only its own clients', async t => {
  const regions = ['a', 'b', 'c', 'd'].map(id => region(id, 'frankfurt'))
  const before = routerOf(regions.map(each => state(each)))
  const after = routerOf(regions.map(each => state(each, each.id === 'b' ? { verdict: down } : {})))
  let moved = 0
  for (let network = 0; network < 250; network++) {
    for (const place of ['warsaw', 'amsterdam', 'london'] as const) {
      const request = { address: clientIn(place, network), host: 'x', path: '/', method: 'GET' }
      const [was, is] = [before.route(request).best!.id, after.route(request).best!.id]
      if (was === 'b') moved++
      else if (was !== is) t.equal(is, was, 'a client of a region that stayed does not move')
    }
  }
  t.ok(moved > 120 && moved < 260, `a quarter of 750 moved: ${moved}`)
})
