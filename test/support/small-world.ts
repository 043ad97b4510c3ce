/** A simulated world that a test can survey: a few cities and regions, and what lies between them. */

import type { City, World } from '../../src/sim/world.ts'
import { exampleRegion } from './example-region.ts'

/**
 * @param truthMs round trips, a row for each city, a column for each region
 * @param slots of each region
 * @param perSecond requests of each city
 */
export function smallWorld(
  truthMs: readonly (readonly number[])[],
  slots: readonly number[],
  perSecond: readonly number[],
  more: Partial<World> = {},
): World {
  const cities: City[] = perSecond.map((_, index) => ({
    name: `City ${index}`,
    latitude: 50 - index,
    longitude: 10 * index,
    country: 'DE',
    continent: 'EU',
    population: 1e6,
  }))
  return {
    name: 'small',
    seed: 1,
    durationMs: 60_000,
    cities,
    regions: slots.map((capacityRequests, index) => exampleRegion(`region-${index}`, { capacityRequests })),
    truthMs: Float64Array.from(truthMs.flat()),
    knownMs: Float64Array.from(truthMs.flat()),
    jitterSigma: 0,
    demand: { perSecond: Float64Array.from(perSecond), daily: false },
    service: { kind: 'constant', meanMs: 1000 },
    queueLimit: 1000,
    clients: {
      networksPerCity: 10,
      retry: { attempts: 1, firstDelayMs: 0, factor: 1 },
      timeoutMs: Number.POSITIVE_INFINITY,
    },
    routers: {
      count: 1,
      reportEveryMs: 2000,
      reportDelayMs: 200,
      snapshotEveryMs: 1000,
      publishEveryMs: 200,
      tollsEveryMs: 2000,
      transport: { proxy: 1, redirect: 0, dns: 0 },
      ttlMs: 30_000,
    },
    changes: [],
    ...more,
  }
}
