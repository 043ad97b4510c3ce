/**
 * Meridian beside what users know: Envoy's published tables for priority levels and localities, its panic threshold, and waterfall
 * by region. The same inputs, the production router in a simulated fleet; `docs/routing.md` shows what this prints.
 *
 *   npx node bench/envoy-tables.ts
 *
 * Envoy: architecture overview, load balancing, “Priority levels”, “Locality weighted load balancing”, “Panic threshold”. What it
 * calls healthy endpoints is a region's capacity here: so many per cent of the slots that it has when it is well.
 */

import type { Region } from '../src/regions/region.ts'
import { meridian } from '../src/sim/policies/meridian.ts'
import { priorLatencies } from '../src/sim/scenario/latency.ts'
import { createSimulation } from '../src/sim/simulation.ts'
import type { Change, City, World } from '../src/sim/world.ts'

/** What Envoy takes a level or locality to have in reserve, per cent. */
const overprovisioning = 140
/** A level or locality of weight 1 has so many slots; enough that chance hardly shows. */
const slots = 500
/** Requests in flight over the slots of a healthy P=0: little, what Envoy's factor is made for, and much. */
export const loads = [0.4, 100 / overprovisioning, 0.95]
const settledMs = 40_000
const endMs = 120_000

/** Of a level or locality, in whole per cent, from per cent of healthy endpoints. */
function healthOf(percent: number): number {
  return Math.min(100, Math.floor((overprovisioning * percent) / 100))
}

/** Per cent of traffic for each level (`priority_load` in Envoy's words), from per cent of healthy endpoints. */
export function envoyPriorities(healthy: readonly number[]): number[] {
  const health = healthy.map(healthOf)
  const total = Math.min(
    100,
    health.reduce((sum, each) => sum + each, 0),
  )
  let left = 100
  return health.map(each => {
    const share = Math.min(left, Math.round((each * 100) / total))
    left -= share
    return share
  })
}

/** Per cent of traffic for each locality, from weights and per cent of healthy endpoints. */
export function envoyLocalities(weights: readonly number[], healthy: readonly number[]): number[] {
  const effective = weights.map((weight, place) => weight * healthOf(healthy[place]!))
  const total = effective.reduce((sum, each) => sum + each, 0)
  return effective.map(each => (100 * each) / total)
}

const places = {
  frankfurt: { latitude: 50.1, longitude: 8.7, country: 'DE', continent: 'EU' },
  ashburn: { latitude: 39, longitude: -77.5, country: 'US', continent: 'NA' },
  singapore: { latitude: 1.4, longitude: 103.8, country: 'SG', continent: 'AS' },
  tokyo: { latitude: 35.7, longitude: 139.7, country: 'JP', continent: 'AS' },
  jakarta: { latitude: -6.2, longitude: 106.8, country: 'ID', continent: 'AS' },
  delhi: { latitude: 28.6, longitude: 77.2, country: 'IN', continent: 'AS' },
} as const

type Place = keyof typeof places

function regionAt(place: Place, id: string, weight = 1): Region {
  const { latitude, longitude, continent } = places[place]
  return {
    ...{ id, name: id, tier: 'cloud', coordinates: { latitude, longitude }, labels: { continent }, capabilities: [] },
    ...{ weight, biasMs: 0, capacityRequests: slots * weight },
    endpoints: { publicUrl: `https://${id}.example.com` },
  }
}

/** @param perSecond requests by city, each of which takes a second */
function worldOf(
  cities: readonly Place[],
  perSecond: readonly number[],
  regions: readonly Region[],
  changes: Change[],
): World {
  const described: City[] = cities.map(name => ({ name, population: 1, ...places[name] }))
  const rtt = priorLatencies(described, regions)
  return {
    name: 'tables',
    seed: 1,
    durationMs: endMs,
    cities: described,
    regions,
    truthMs: rtt,
    knownMs: rtt,
    jitterSigma: 0,
    demand: { perSecond: Float64Array.from(perSecond), daily: false },
    service: { kind: 'exponential', meanMs: 1000 },
    queueLimit: Number.POSITIVE_INFINITY,
    clients: {
      networksPerCity: 100,
      retry: { attempts: 1, firstDelayMs: 0, factor: 1 },
      timeoutMs: Number.POSITIVE_INFINITY,
    },
    routers: {
      ...{
        count: 2,
        reportEveryMs: 2000,
        reportDelayMs: 200,
        snapshotEveryMs: 1000,
        publishEveryMs: 50,
        tollsEveryMs: 2000,
      },
      ...{ transport: { proxy: 1, redirect: 0, dns: 0 }, ttlMs: 0 },
    },
    changes,
  }
}

/** So many per cent of each region's slots, from the start. */
function ailing(healthy: readonly number[]): Change[] {
  const span = { fromMs: 0, toMs: endMs, label: '' }
  return healthy.flatMap((percent, region): Change[] => {
    if (percent === 0) return [{ ...span, kind: 'down', regions: [region], slowStartMs: 0 }]
    return percent === 100 ? [] : [{ ...span, kind: 'capacity', regions: [region], factor: percent / 100 }]
  })
}

/** Requests by city and region, once the fleet has settled. */
function servedBy(world: World): number[][] {
  const simulation = createSimulation(world, meridian)
  simulation.advanceTo(settledMs)
  const before = simulation.result().cities
  simulation.advanceTo(endMs)
  return simulation
    .result()
    .cities.map((city, place) => city.servedBy.map((count, region) => count - before[place]!.servedBy[region]!))
}

function percentages(counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map(count => (100 * count) / total)
}

/** Per cent of traffic for P=0 in the clients' own city and P=1 over the ocean, of as many slots. */
export function meridianPriorities(healthy: readonly number[], load: number): number[] {
  const regions = [regionAt('frankfurt', 'p0'), regionAt('ashburn', 'p1')]
  return percentages(servedBy(worldOf(['frankfurt'], [load * slots], regions, ailing(healthy)))[0]!)
}

/** Per cent of traffic for X and Y in one city, Y of twice the weight and slots. */
export function meridianLocalities(healthy: readonly number[], load: number): number[] {
  const regions = [regionAt('frankfurt', 'x', 1), regionAt('frankfurt', 'y', 2)]
  return percentages(servedBy(worldOf(['frankfurt'], [3 * load * slots], regions, ailing(healthy)))[0]!)
}

export interface Overflow {
  /** Per cent of the requests of each city that go elsewhere than to Singapore. */
  readonly jakarta: number
  readonly delhi: number
  /** Of all requests, ms. */
  readonly meanRttMs: number
}

const overflowing = ['jakarta', 'delhi'] as const
const perCity = 0.7 * slots
const fillTo = 0.95

/** Two cities whose nearest region is Singapore want 1.4 times what it holds; Frankfurt and Tokyo have room. */
function overflowWorld(): World {
  const regions = [regionAt('singapore', 'sin'), regionAt('frankfurt', 'fra'), regionAt('tokyo', 'nrt')]
  return worldOf(overflowing, [perCity, perCity], regions, [])
}

function overflowOf({ truthMs, regions }: World, counts: readonly (readonly number[])[]): Overflow {
  const shares = counts.map(percentages)
  const means = shares.map((row, city) =>
    row.reduce((sum, share, region) => sum + (share / 100) * truthMs[city * regions.length + region]!, 0),
  )
  return {
    jakarta: 100 - shares[0]![0]!,
    delhi: 100 - shares[1]![0]!,
    meanRttMs: (means[0]! + means[1]!) / 2,
  }
}

/** Everyone goes to the nearest region with room: what does not fit is of both cities alike, and goes on to the next. */
export function waterfallOverflow(): Overflow {
  const world = overflowWorld()
  const stays = (fillTo * slots) / 2
  const goes = perCity - stays
  const counts = overflowing.map((_, city) => {
    const [, frankfurt, tokyo] = world.truthMs.subarray(3 * city)
    return frankfurt! < tokyo! ? [stays, goes, 0] : [stays, 0, goes]
  })
  return overflowOf(world, counts)
}

export function meridianOverflow(): Overflow {
  const world = overflowWorld()
  return overflowOf(world, servedBy(world))
}

const whole = (value: number): string => value.toFixed(0)
/** Share of the traffic, and how full the region is with it; per cent. */
const cell = (share: number, load: number, healthy: number): string =>
  healthy === 0 ? `${whole(share)} %` : `${whole(share)} % (${whole((share * load * 100) / healthy)})`

/** For P=0: in pairs, Envoy and Meridian at each of the loads. P=1 is well. */
export function priorityTable(): string[] {
  return [100, 72, 71, 50, 25, 0].map(p0 => {
    const [envoy] = envoyPriorities([p0, 100])
    const cells = loads.flatMap(load => {
      const [ours] = meridianPriorities([p0, 100], load)
      return [cell(envoy!, load, p0), cell(ours!, load, p0)]
    })
    return `| ${p0} % | ${cells.join(' | ')} |`
  })
}

/** Of what P=0 and P=1 get, at the load that Envoy's factor is made for. */
export function ailingTable(): string[] {
  const rows = [
    [72, 72],
    [71, 71],
    [50, 50],
    [25, 100],
    [25, 25],
  ]
  return rows.map(healthy => {
    const shares = [envoyPriorities(healthy), meridianPriorities(healthy, loads[1]!)]
    const cells = shares.map(each => each.map((share, level) => cell(share, loads[1]!, healthy[level]!)).join(', '))
    return `| ${healthy.map(percent => `${percent} %`).join(', ')} | ${cells.join(' | ')} |`
  })
}

/** For X, of weight 1; Y has weight 2 and is well. */
export function localityTable(): string[] {
  return [100, 70, 69, 50, 25, 0].map(x => {
    const [envoy] = envoyLocalities([1, 2], [x, 100])
    const [ours] = meridianLocalities([x, 100], loads[1]!)
    return `| ${x} % | ${cell(envoy!, 3 * loads[1]!, x)} | ${cell(ours!, 3 * loads[1]!, x)} |`
  })
}

export function overflowTable(): string[] {
  return [['waterfall by region', waterfallOverflow()] as const, ['Meridian', meridianOverflow()] as const].map(
    ([name, { jakarta, delhi, meanRttMs }]) =>
      `| ${name} | ${whole(jakarta)} % | ${whole(delhi)} % | ${whole(meanRttMs)} ms |`,
  )
}

if (import.meta.main) {
  console.log(
    [priorityTable(), ailingTable(), localityTable(), overflowTable()].map(rows => rows.join('\n')).join('\n\n'),
  )
}
