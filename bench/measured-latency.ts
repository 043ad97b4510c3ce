/**
 * How far from the truly best region clients end up, by distance alone and once a tenth of them has been measured: the
 * production router over a world whose round trips are known. 18 sites are regions, at each other site are 100 client
 * networks; of a tenth of those come samples with 10 % noise.
 *
 *   npx node bench/measured-latency.ts [folder with inter-region-rtt-ms.csv and region-coordinates.json]
 *
 * With the folder the truth is that matrix, else a synthetic one of the same shape.
 */

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Random } from '../src/clock.ts'
import { catchAllRule } from '../src/config/rule.ts'
import { ClientAddress } from '../src/geo/address.ts'
import { type Coordinates, distanceKm } from '../src/geo/coordinates.ts'
import type { Cell, Locator } from '../src/geo/location.ts'
import type { Region } from '../src/regions/region.ts'
import type { Snapshot } from '../src/regions/snapshot.ts'
import { FleetLayout } from '../src/routing/fleet.ts'
import { LatencyModel } from '../src/routing/latency/latency-model.ts'
import { createRouter } from '../src/routing/router.ts'
import { continentIndex, rttPriorMs } from '../src/routing/rtt-prior.ts'
import { normal, seededRandom } from '../src/sim/random.ts'
import { type Pair, readPairs } from './calibrate-rtt.ts'
import type { Figures } from './figures.ts'
import { median } from './median.ts'

export interface Site {
  readonly name: string
  readonly coordinates: Coordinates
  readonly continent: string
}

/** Sites, and the true round trip between any two of them, ms. */
export interface SiteWorld {
  readonly sites: readonly Site[]
  truth(a: Site, b: Site): number
}

export interface Excess {
  /** Mean over all networks, ms. */
  readonly distanceMs: number
  readonly measuredMs: number
}

const regionCount = 18
const networksPerSite = 100
const measuredShare = 0.1
const noise = 0.1
const siteCount = 50
const seeds = [1, 2, 3, 4, 5]

/** The sites of which every pair was measured. */
export function matrixWorld(pairs: readonly Pair[]): SiteWorld {
  const rtt = new Map(
    pairs.flatMap(({ a, b, rttMs }) =>
      [`${a.name}|${b.name}`, `${b.name}|${a.name}`].map(key => [key, rttMs] as const),
    ),
  )
  const sites = [...new Map(pairs.flatMap(({ a, b }) => [a, b]).map(site => [site.name, site])).values()]
  for (;;) {
    const missing = sites.map(a => sites.filter(b => a !== b && !rtt.has(`${a.name}|${b.name}`)).length)
    const most = Math.max(...missing)
    if (most === 0) break
    sites.splice(missing.indexOf(most), 1)
  }
  return { sites, truth: (a, b) => rtt.get(`${a.name}|${b.name}`)! }
}

/** Where sites may lie: south, north, west, east, continent. */
const lands = [
  [37, 60, -9, 30, 'EU'],
  [28, 50, -123, -72, 'NA'],
  [8, 45, 50, 140, 'AS'],
  [-35, -3, -70, -38, 'SA'],
  [-34, 12, 10, 40, 'AF'],
  [-38, -20, 115, 152, 'OC'],
] as const
const sitesOfLands = [14, 14, 12, 4, 3, 3]

/** The prior times a lognormal error, and a detour for one pair in forty. */
export function syntheticWorld(random: Random): SiteWorld {
  const sites = lands.flatMap(([south, north, west, east, continent], land) =>
    Array.from({ length: sitesOfLands[land]! }, (_, i) => ({
      name: `${continent}-${i}`,
      coordinates: { latitude: south + (north - south) * random(), longitude: west + (east - west) * random() },
      continent,
    })),
  )
  const truths = new Map<string, number>()
  for (const a of sites) {
    for (const b of sites) {
      const detour = random() < 1 / 40 ? 1.5 + random() : 1
      const ms = priorMs(a, b) * Math.exp(0.15 * normal(random)) * detour
      const floor = distanceKm(a.coordinates, b.coordinates) / 100
      const key = [a.name, b.name].sort().join('|')
      if (!truths.has(key)) truths.set(key, Math.max(floor, ms))
    }
  }
  return { sites, truth: (a, b) => truths.get([a.name, b.name].sort().join('|'))! }
}

/**
 * Mean excess over the best region.
 *
 * @param measuredRegions how many regions each measured network has a sample of, the nearest by the prior first
 */
export function excessOf(world: SiteWorld, random: Random, measuredRegions = regionCount): Excess {
  const shuffled = [...world.sites].map(site => ({ site, at: random() })).sort((a, b) => a.at - b.at)
  const homes = shuffled.slice(0, regionCount).map(({ site }) => site)
  const clients = shuffled.slice(regionCount).map(({ site }) => site)
  const locator = locatorOf(clients)
  const regions = homes.map((site, i) => regionOf(`r${String(i).padStart(2, '0')}`, site))
  const snapshot = snapshotOf(regions)
  const model = new LatencyModel({ maxNetworks: 10_000, halfLifeMs: 3_600_000 })
  model.useWorld(locator, new FleetLayout(regions, locator.cells))

  const meanExcess = (view: Locator): number => {
    const rules = [{ ...catchAllRule, pick: 'lowest' as const }]
    const router = createRouter({ rules, defaultOrder: [], location: undefined, temperatureMs: 8 }, view)
    router.useSnapshot(snapshot, 0)
    let sum = 0
    clients.forEach((client, site) => {
      const best = Math.min(...homes.map(home => world.truth(client, home)))
      for (let network = 0; network < networksPerSite; network++) {
        const request = { address: addressOf(site, network), host: '', path: '/', method: 'GET' }
        const chosen = regions.indexOf(router.route(request).best!)
        sum += world.truth(client, homes[chosen]!) - best
      }
    })
    return sum / (clients.length * networksPerSite)
  }

  const distanceMs = meanExcess(locator)
  clients.forEach((client, site) => {
    const near = homes.map((_, i) => i).sort((a, b) => priorMs(client, homes[a]!) - priorMs(client, homes[b]!))
    for (let network = 0; network < measuredShare * networksPerSite; network++) {
      for (const home of near.slice(0, measuredRegions)) {
        const rttMs = world.truth(client, homes[home]!) * Math.exp(noise * normal(random))
        const sample = {
          network: { address: addressOf(site, network), prefixLength: 24 },
          region: regions[home]!.id,
          rttMs,
        }
        model.record(sample, 'bench', 1000)
      }
    }
  })
  return { distanceMs, measuredMs: meanExcess(model.view(1000)) }
}

function priorMs(a: Site, b: Site): number {
  return rttPriorMs(distanceKm(a.coordinates, b.coordinates), continentIndex(a.continent), continentIndex(b.continent))
}

/** 10.<site>.<network>.1 */
function addressOf(site: number, network: number): ClientAddress {
  return new ClientAddress(4, (10 << 24) | (site << 16) | (network << 8) | 1)
}

function locatorOf(sites: readonly Site[]): Locator {
  const cells: Cell[] = [
    { number: 0 },
    ...sites.map(({ coordinates: { latitude, longitude }, continent }, i) => ({
      number: i + 1,
      coordinates: { latitude: Math.round(latitude), longitude: Math.round(longitude) },
      continent,
    })),
  ]
  return {
    cells,
    locationNumber: ({ w0 }) => ((w0 >>> 16) & 0xff) + 1,
    cellOf: number => number,
    pins: [],
    pinIndex: () => -1,
    prefixLength: () => 16,
    sources: [],
    locate: () => undefined,
  }
}

function regionOf(id: string, { coordinates, continent }: Site): Region {
  return {
    ...{ id, name: id, tier: 'cloud', coordinates, labels: { continent }, capabilities: [], weight: 1, biasMs: 0 },
    endpoints: { publicUrl: `https://${id}.example.com` },
  }
}

function snapshotOf(regions: readonly Region[]): Snapshot {
  const verdict = { condition: 'up', by: 'default', detail: '' } as const
  return {
    version: 1,
    takenAt: 0,
    regions: regions.map(region => ({ region, verdict, since: 0, tollMs: 0, serviceMs: 0 })),
  }
}

/** Over five choices of regions; the median one counts. */
export function measure(folder = resolve(import.meta.dirname, '../../shared/data/azure')): Figures {
  const matrix = existsSync(folder) ? matrixWorld(readPairs(folder)) : undefined
  const worldOf = (random: Random): SiteWorld => matrix ?? syntheticWorld(random)
  console.log(
    `${matrix === undefined ? `a synthetic matrix of ${siteCount}` : `the matrix of ${matrix.sites.length}`} sites`,
  )
  console.log('mean excess over the best region, ms         distance  measured')
  const run = (measuredRegions: number, name: string): Excess => {
    const found = seeds.map(seed => {
      const random = seededRandom(seed)
      return excessOf(worldOf(random), random, measuredRegions)
    })
    const middle = {
      distanceMs: median(found.map(each => each.distanceMs)),
      measuredMs: median(found.map(each => each.measuredMs)),
    }
    const worst = Math.max(...found.map(each => each.measuredMs))
    console.log(
      `${name.padEnd(44)}${middle.distanceMs.toFixed(2).padStart(9)}${middle.measuredMs.toFixed(2).padStart(10)}   worst seed ${worst.toFixed(2)}`,
    )
    return middle
  }
  const all = run(regionCount, 'samples of every region')
  run(6, 'samples of the 6 nearest regions')
  run(3, 'samples of the 3 nearest regions')
  run(2, 'samples of the 2 nearest regions')
  run(1, 'samples of the nearest region')
  return { measuredExcessMs: all.measuredMs, distanceExcessMs: all.distanceMs }
}

if (import.meta.main) measure(process.argv[2])
