/** A valid region for tests; whoever needs something special says only that. */

import type { Region } from '../../src/regions/region.ts'

export function exampleRegion(id: string, changes: Partial<Region> = {}): Region {
  return {
    id,
    name: 'Somewhere',
    tier: 'edge',
    coordinates: { latitude: 50.11, longitude: 8.68 },
    endpoints: { publicUrl: `https://${id}.example.com` },
    weight: 1,
    biasMs: 0,
    capabilities: [],
    labels: {},
    ...changes,
  }
}
