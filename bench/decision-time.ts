/** What a plan and a decision take, without a database: a locator of some thousand cells and a fleet of 500 regions. */

import { ClientAddress } from '../src/geo/address.ts'
import type { Cell, Locator } from '../src/geo/location.ts'
import type { RegionState, Snapshot } from '../src/regions/snapshot.ts'
import { createRouter } from '../src/routing/router.ts'
import { seededRandom } from '../src/sim/random.ts'
import { median } from './median.ts'

const cellCount = 4000
const regionCount = 500
const rounds = 7

const random = seededRandom(1)
const place = () => ({ latitude: Math.round(140 * random() - 60), longitude: Math.round(360 * random() - 180) })

export function cellLocator(): Locator {
  const cells: Cell[] = [{ number: 0 }]
  for (let number = 1; number <= cellCount; number++) cells.push({ number, coordinates: place(), continent: 'EU' })
  return {
    cells,
    locationNumber: ({ w0 }) => 1 + ((w0 >>> 0) % cellCount),
    cellOf: number => number,
    pins: [],
    pinIndex: () => -1,
    prefixLength: () => 24,
    sources: [],
    locate: () => undefined,
  }
}

/** @param turn other tolls for every turn, so that every ranking is made anew */
function snapshotOf(count: number, turn: number): Snapshot {
  return {
    version: turn,
    takenAt: turn,
    regions: fleet.slice(0, count).map((state, i) => ({ ...state, tollMs: (i * 7 + turn) % 30 })),
  }
}

const fleet: readonly RegionState[] = Array.from({ length: regionCount }, (_, i) => {
  const id = `region-${String(i).padStart(3, '0')}`
  return {
    region: {
      ...{ id, name: id, tier: 'cloud', coordinates: place(), weight: 1, biasMs: 0, capabilities: [], labels: {} },
      endpoints: { publicUrl: `https://${id}.example.com` },
      capacityRequests: 1e9,
    },
    verdict: { condition: 'up', by: 'default', detail: '' },
    since: -1e9,
    tollMs: 0,
    serviceMs: 0,
  }
})

const requests = Array.from({ length: 1 << 16 }, (_, i) => ({
  address: new ClientAddress(4, i),
  host: 'api.example.com',
  path: '/v1/chat/completions',
  method: 'POST',
}))

const settings = { rules: [], defaultOrder: [], location: undefined, temperatureMs: 3 }

/** A ranking for one audience, its distances known: first decision of each of 4,000 cells after new tolls. */
export function planNanoseconds(locator: Locator): number {
  const router = createRouter(settings, locator)
  const times: number[] = []
  for (let round = 0; round <= rounds; round++) {
    router.useSnapshot(snapshotOf(regionCount, round), round)
    const started = performance.now()
    for (let cell = 0; cell < cellCount; cell++) router.route(requests[cell]!)
    // The first round works the distances out, too.
    if (round > 0) times.push((1e6 * (performance.now() - started)) / cellCount)
  }
  return median(times)
}

/** A decision from a ready plan, among twenty regions. */
export function decisionNanoseconds(locator: Locator): number {
  const router = createRouter(settings, locator)
  router.useSnapshot(snapshotOf(20, 1), 0)
  const turn = (): number => {
    const started = performance.now()
    for (const request of requests) router.route(request)
    return (1e6 * (performance.now() - started)) / requests.length
  }
  for (let warm = 0; warm < 20; warm++) turn()
  return median(Array.from({ length: 5 * rounds }, turn))
}
