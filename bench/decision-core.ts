/**
 * Measures locating and deciding on one core, and prints the rates as JSON. Started by `decision.ts`.
 *
 *   node bench/decision-core.ts DATABASE…
 */

import { resolve } from 'node:path'
import { type CityResponse, open } from 'maxmind'
import { ClientAddress, formatAddress, parseAddress } from '../src/geo/address.ts'
import { loadLocator } from '../src/geo/load-locator.ts'
import type { Locator } from '../src/geo/location.ts'
import type { Region } from '../src/regions/region.ts'
import { readRegionFiles } from '../src/regions/region-files.ts'
import type { RegionState } from '../src/regions/snapshot.ts'
import type { RouteRequest } from '../src/routing/decision.ts'
import { createRouter } from '../src/routing/router.ts'
import { randomInteger, randomWord, seededRandom } from '../test/support/seeded-random.ts'
import { median } from './median.ts'

export interface CoreFigures {
  readonly networks: number
  readonly cells: number
  readonly rounds: number
  /** All a second. */
  readonly maxmindGets: number
  readonly geolocations: number
  readonly numbers: number
  readonly locations: number
  readonly decisions20: number
  readonly decisions500: number
}

const rounds = 5
const roundMs = 1500
const random = seededRandom(1)

/** Runs the contenders in turn, round after round, and returns the median rate of each. */
function inTurn<K extends string>(contenders: Readonly<Record<K, (turn: number) => void>>): Record<K, number> {
  const names = Object.keys(contenders) as K[]
  const rates = Object.fromEntries(names.map(name => [name, [] as number[]])) as Record<K, number[]>
  for (const name of names) rate(contenders[name], 300)
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      globalThis.gc?.()
      rates[name].push(rate(contenders[name], roundMs))
    }
  }
  return Object.fromEntries(names.map(name => [name, median(rates[name])])) as Record<K, number>
}

function rate(action: (turn: number) => void, forMs: number): number {
  const started = performance.now()
  let done = 0
  let elapsed = 0
  while (elapsed < forMs) {
    for (let i = 0; i < 1000; i++) action(done++)
    elapsed = performance.now() - started
  }
  return (1000 * done) / elapsed
}

/** Kept, so that no result can be optimised away. */
let sink = 0

async function measureGeolocation(locator: Locator, ipv4File: string) {
  const count = 1 << 20
  const addresses = Array.from({ length: count }, () => new ClientAddress(4, randomWord(random)))
  const texts = addresses.map(formatAddress)
  const reader = await open<CityResponse>(ipv4File)
  const mask = count - 1
  return inTurn({
    maxmindGets: turn => {
      sink += reader.get(texts[turn & mask]!) === null ? 0 : 1
    },
    geolocations: turn => {
      sink += locator.locationNumber(parseAddress(texts[turn & mask]!)!)
    },
    numbers: turn => {
      sink += locator.locationNumber(addresses[turn & mask]!)
    },
    locations: turn => {
      sink += locator.locate(addresses[turn & mask]!)?.prefixLength ?? 0
    },
  })
}

/** Addresses of whom something is known, by Zipf 1.0: the k-th is asked for 1/k as often as the first. */
function zipfRequests(locator: Locator): RouteRequest[] {
  const distinct: ClientAddress[] = []
  while (distinct.length < 100_000) {
    const address = new ClientAddress(4, randomWord(random))
    if (locator.locationNumber(address) !== 0) distinct.push(address)
  }
  const sums = new Float64Array(distinct.length)
  let sum = 0
  for (let rank = 0; rank < distinct.length; rank++) {
    sum += 1 / (rank + 1)
    sums[rank] = sum
  }
  return Array.from({ length: 1 << 20 }, () => {
    const at = random() * sum
    let [low, high] = [0, distinct.length - 1]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sums[middle]! < at) low = middle + 1
      else high = middle
    }
    return { address: distinct[low]!, host: 'api.example.com', path: '/v1/chat/completions', method: 'POST' }
  })
}

/** Regions where clients are, half of them edges: nothing else is known of a fleet of 500. */
function manyRegions(locator: Locator, count: number): Region[] {
  const places = locator.cells.flatMap(cell => (cell.coordinates === undefined ? [] : [cell.coordinates]))
  return Array.from({ length: count }, (_, i) => {
    const { latitude, longitude } = places[randomInteger(random, places.length)]!
    const id = `region-${String(i).padStart(4, '0')}`
    return {
      id,
      name: id,
      tier: i % 2 === 0 ? 'edge' : i % 10 === 1 ? 'core' : 'cloud',
      coordinates: { latitude, longitude },
      endpoints: { publicUrl: `https://${id}.example.com` },
      capacityRequests: 400,
      weight: 1,
      biasMs: 0,
      capabilities: [],
      labels: {},
    }
  })
}

/** Every region reports a moderate load: the fleet as it is on an ordinary day. */
function busy(regions: readonly Region[], version: number, now: number): RegionState[] {
  return regions.map((region, i) => ({
    region,
    verdict: { condition: 'up', by: 'probe', detail: 'probes are answered' },
    load: {
      epoch: 1,
      sequence: version,
      receivedAt: now,
      inflight: 20 + ((i * 7 + version * 13) % 200),
      capacityRequests: 1e9,
      latencyMs: 500,
    },
    since: 0,
    tollMs: 0,
    serviceMs: 0,
  }))
}

function decider(
  locator: Locator,
  regions: readonly Region[],
  requests: readonly RouteRequest[],
): (turn: number) => void {
  const ordered = [...regions].sort((a, b) => (a.id < b.id ? -1 : 1))
  const router = createRouter({ rules: [], defaultOrder: [], location: undefined, temperatureMs: 8 }, locator)
  const mask = requests.length - 1
  let version = 0
  let swapAt = 0
  return turn => {
    // The clock is looked at now and then, as the router's own timers would interrupt it.
    if (turn % 1000 === 0) {
      const now = performance.now()
      if (now >= swapAt) {
        version++
        router.useSnapshot({ version, takenAt: now, regions: busy(ordered, version, now) }, now)
        swapAt = now + 1000
      }
    }
    const decision = router.route(requests[turn & mask]!)
    sink += decision.best === undefined ? 0 : 1
  }
}

const files = process.argv.slice(2)
const locator = await loadLocator({ databases: files })
const geolocation = await measureGeolocation(locator, files.find(file => file.includes('ipv4')) ?? files[0]!)
const requests = zipfRequests(locator)
const twenty = await readRegionFiles(resolve(import.meta.dirname, '../regions'))
const decisions = inTurn({
  decisions20: decider(locator, twenty, requests),
  decisions500: decider(locator, manyRegions(locator, 500), requests),
})
const figures: CoreFigures = {
  networks: locator.sources.reduce((sum, source) => sum + source.ipv4Networks + source.ipv6Networks, 0),
  cells: locator.cells.length,
  rounds,
  ...geolocation,
  ...decisions,
}
if (sink === 0) throw new Error('nothing was found anywhere')
console.log(JSON.stringify(figures))
