/** Puts what was read anew into the place of what runs, in an order in which no request meets half of it. */

import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { ControlApp } from '../control/dependencies.ts'
import { logged } from '../errors.ts'
import type { Locator } from '../geo/location.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Region } from '../regions/region.ts'
import type { RegionStore } from '../regions/store.ts'
import type { LiveRouter } from '../routing/router.ts'
import type { FleetFeed } from './fleet-feed.ts'
import type { GeoUpdates } from './geo-updates.ts'
import type { Guarded } from './guarded-connections.ts'
import type { Inputs } from './reload-inputs.ts'
import { controlAccess, routerSettings } from './settings.ts'

export interface Swapped {
  /** Takes another geography into use, with what is believed of latency in it. */
  readonly useLocator: (locator: Locator) => void
  readonly router: LiveRouter
  readonly fleet: { readonly store: RegionStore; readonly feed: FleetFeed }
  readonly control: Pick<ControlApp, 'useAccess'>
  readonly guarded: Pick<Guarded, 'allowed'>
  readonly metrics: Metrics
  readonly log: Logger
  readonly geoUpdates: GeoUpdates
}

/** What has not changed is left alone: plans and their caches live on. */
export function createSwap({ useLocator, router, fleet, control, guarded, metrics, log, geoUpdates }: Swapped) {
  const refresh = (): Promise<void> =>
    // Where the store cannot be read now, its changes are in the snapshot that is made once it can.
    fleet.feed.refresh().catch(error => log.error(logged(error), 'the fleet could not be read'))
  const declare = async (regions: readonly Region[]): Promise<void> => {
    await fleet.store.declare(regions)
    await refresh()
  }
  return async (next: Inputs, before: Inputs): Promise<void> => {
    // First of all: who was shut out must not get in while the store is waited for.
    const access = controlAccess(next.config)
    if (!isDeepStrictEqual(access, controlAccess(before.config))) control.useAccess(access)
    const { allowedEndpoints } = next.config.control
    if (!isDeepStrictEqual(allowedEndpoints, guarded.allowed.patterns)) {
      guarded.allowed.use(allowedEndpoints)
      await refresh()
    }
    const kept = new Set(next.regions.map(({ id }) => id))
    const leaving = before.regions.filter(({ id }) => !kept.has(id))
    // Regions come before the rules that name them, and go after the rules that did.
    if (next.regions !== before.regions) await declare([...next.regions, ...leaving])
    const settings = routerSettings(next.config)
    if (!isDeepStrictEqual(settings, routerSettings(before.config))) router.useSettings(settings)
    if (next.geo.locator !== before.geo.locator) {
      useLocator(next.geo.locator)
      metrics.useGeoDatabases(next.geo.locator.sources)
    }
    if (leaving.length > 0) await declare(next.regions)
    if (next.config.log.level !== before.config.log.level) log.level = next.config.log.level
    const { update } = next.config.geo
    if (!isDeepStrictEqual(update, before.config.geo.update)) {
      geoUpdates.use(update)
      metrics.useGeoEditions(update?.editions.map(({ name }) => name) ?? [])
    }
  }
}
