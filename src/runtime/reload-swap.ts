/** Puts what was read anew into the place of what runs, in an order in which no request meets half of it. */

import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Metrics } from '../observe/metrics.ts'
import type { Region } from '../regions/region.ts'
import type { RegionStore } from '../regions/store.ts'
import type { LiveRouter } from '../routing/router.ts'
import type { FleetFeed } from './fleet-feed.ts'
import type { GeoUpdates } from './geo-updates.ts'
import type { Inputs } from './reload-inputs.ts'
import { routerSettings } from './settings.ts'

export interface Swapped {
  readonly router: LiveRouter
  readonly fleet: { readonly store: RegionStore; readonly feed: FleetFeed }
  readonly metrics: Metrics
  readonly log: Logger
  readonly geoUpdates: GeoUpdates
}

/** What has not changed is left alone: plans and their caches live on. */
export function createSwap({ router, fleet, metrics, log, geoUpdates }: Swapped) {
  const declare = async (regions: readonly Region[]): Promise<void> => {
    await fleet.store.declare(regions)
    // Where the store cannot be read now, its changes are in the snapshot that is made once it can.
    await fleet.feed.refresh().catch(error => log.error({ err: error }, 'the fleet could not be read'))
  }
  return async (next: Inputs, before: Inputs): Promise<void> => {
    const kept = new Set(next.regions.map(({ id }) => id))
    const leaving = before.regions.filter(({ id }) => !kept.has(id))
    // Regions come before the rules that name them, and go after the rules that did.
    if (next.regions !== before.regions) await declare([...next.regions, ...leaving])
    const settings = routerSettings(next.config)
    if (!isDeepStrictEqual(settings, routerSettings(before.config))) router.useSettings(settings)
    if (next.geo.locator !== before.geo.locator) {
      router.useLocator(next.geo.locator)
      metrics.useGeoDatabases(next.geo.locator.sources)
    }
    if (leaving.length > 0) await declare(next.regions)
    if (next.config.log.level !== before.config.log.level) log.level = next.config.log.level
    if (!isDeepStrictEqual(next.config.geo.update, before.config.geo.update)) geoUpdates.use(next.config.geo.update)
  }
}
