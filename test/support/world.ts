/** A small world to route in: named places as clients and regions, without a database or a network. */

import { catchAllRule, type Rule } from '../../src/config/rule.ts'
import { type ClientAddress, parseAddress } from '../../src/geo/address.ts'
import type { Coordinates } from '../../src/geo/coordinates.ts'
import type { Cell, Location, Locator, Pin } from '../../src/geo/location.ts'
import type { ReceivedLoadReport } from '../../src/regions/load-report.ts'
import type { Region } from '../../src/regions/region.ts'
import type { RegionState, Snapshot, Verdict } from '../../src/regions/snapshot.ts'
import { createRouter, type LiveRouter } from '../../src/routing/router.ts'
import type { RouterSettings } from '../../src/routing/workings.ts'

interface Place extends Coordinates {
  readonly country: string
  readonly continent: string
}

export const places = {
  amsterdam: { latitude: 52, longitude: 5, country: 'NL', continent: 'EU' },
  frankfurt: { latitude: 50, longitude: 9, country: 'DE', continent: 'EU' },
  warsaw: { latitude: 52, longitude: 21, country: 'PL', continent: 'EU' },
  london: { latitude: 52, longitude: 0, country: 'GB', continent: 'EU' },
  ashburn: { latitude: 39, longitude: -77, country: 'US', continent: 'NA' },
  portland: { latitude: 46, longitude: -123, country: 'US', continent: 'NA' },
  saoPaulo: { latitude: -24, longitude: -47, country: 'BR', continent: 'SA' },
  tokyo: { latitude: 36, longitude: 140, country: 'JP', continent: 'AS' },
  singapore: { latitude: 1, longitude: 104, country: 'SG', continent: 'AS' },
  sydney: { latitude: -34, longitude: 151, country: 'AU', continent: 'OC' },
} as const satisfies Record<string, Place>

export type PlaceName = keyof typeof places
const names = Object.keys(places) as PlaceName[]

/** The client of a place: 10.<place>.<network>.<host>. Addresses outside 10/8 are unknown to this world. */
export function clientIn(place: PlaceName, network = 0, host = 1): ClientAddress {
  return parseAddress(`10.${names.indexOf(place)}.${network}.${host}`)!
}

export function region(id: string, place: PlaceName, more: Partial<Region> = {}): Region {
  const { latitude, longitude } = places[place]
  return {
    id,
    name: id,
    tier: 'cloud',
    coordinates: { latitude, longitude },
    endpoints: { publicUrl: `https://${id}.example.com` },
    weight: 1,
    biasMs: 0,
    capabilities: [],
    labels: {},
    ...more,
  }
}

export const up: Verdict = { condition: 'up', by: 'default', detail: 'nothing speaks against it' }
export const down: Verdict = { condition: 'down', by: 'probe', detail: '3 failures, last: connection refused' }
export const draining: Verdict = { condition: 'draining', by: 'operator', detail: 'drained by ops' }

export function state(region: Region, more: Partial<RegionState> = {}): RegionState {
  return { region, verdict: up, since: 0, tollMs: 0, serviceMs: 0, ...more }
}

export function snapshotOf(states: readonly RegionState[], version = 1, takenAt = 0): Snapshot {
  return { version, takenAt, regions: [...states].sort((a, b) => (a.region.id < b.region.id ? -1 : 1)) }
}

export function load(inflight: number, capacityRequests: number, more: Partial<ReceivedLoadReport> = {}) {
  return { epoch: 1, sequence: 1, receivedAt: 0, inflight, capacityRequests, latencyMs: 1000, ...more }
}

export function rule(more: Partial<Rule> = {}): Rule {
  return { ...catchAllRule, name: 'test', ...more }
}

export const settings: RouterSettings = { rules: [], defaultOrder: [], location: undefined, temperatureMs: 8 }

export function routerOf(
  states: readonly RegionState[],
  more: Partial<RouterSettings> = {},
  pins: Readonly<Record<string, Pin>> = {},
): LiveRouter {
  const router = createRouter({ ...settings, ...more }, worldLocator(pins))
  router.useSnapshot(snapshotOf(states), 0)
  return router
}

/** @param pins by address */
export function worldLocator(pins: Readonly<Record<string, Pin>> = {}): Locator {
  const cells: Cell[] = [
    { number: 0 },
    ...names.map((name, i) => {
      const { latitude, longitude, country, continent } = places[name]
      return { number: i + 1, coordinates: { latitude, longitude }, country, continent }
    }),
  ]
  const pinList = Object.values(pins)
  const pinned = new Map(Object.keys(pins).map((address, i) => [parseAddress(address)!.w0, i]))
  const locationNumber = ({ family, w0 }: ClientAddress): number => {
    const place = (w0 >>> 16) & 0xff
    return family === 4 && w0 >>> 24 === 10 && place < names.length ? place + 1 : 0
  }
  return {
    cells,
    locationNumber,
    cellOf: number => number,
    pins: pinList,
    pinIndex: ({ w0 }) => pinned.get(w0) ?? -1,
    prefixLength: () => 16,
    sources: [],
    locate(address): Location | undefined {
      const cell = cells[locationNumber(address)]!
      if (cell.coordinates === undefined) return undefined
      const { coordinates, country, continent } = cell
      return { coordinates, country: country!, continent: continent!, prefixLength: 16, source: 'world' }
    },
  }
}
