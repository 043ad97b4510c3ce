/**
 * The composition root: builds every part of a router from its configuration, wires them with plain functions, starts
 * them from the inside out and stops them from the outside in.
 */

import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { crossCheck } from '../config/cross-check.ts'
import { isLoopback } from '../config/loopback.ts'
import { createControlApp } from '../control/app.ts'
import { createEdge } from '../edge/edge.ts'
import { createUndiciForwarder } from '../edge/undici-forwarder.ts'
import { MeridianError } from '../errors.ts'
import { loadLocator } from '../geo/load-locator.ts'
import type { Locator } from '../geo/location.ts'
import { parseNetwork } from '../geo/network.ts'
import { createNetworkSet } from '../geo/network-set.ts'
import { createProber } from '../health/prober.ts'
import { createLogger } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { createMemoryStore } from '../regions/memory-store.ts'
import type { Region } from '../regions/region.ts'
import { readRegionFiles } from '../regions/region-files.ts'
import { createRouter } from '../routing/router.ts'
import { startFleetFeed } from './fleet-feed.ts'
import { listenControl } from './listen-control.ts'
import { observeEdge } from './observe-edge.ts'
import { observeFleet } from './observe-fleet.ts'
import { routerSettings } from './settings.ts'
import { repeat, systemClock } from './system-clock.ts'
import { version } from './version.ts'

/** How often dispatched requests age; well below the stay of most of them. */
const advanceEveryMs = 100

export interface Meridian {
  /** Where clients are served, as really bound: `http://127.0.0.1:8080`. */
  readonly dataUrls: readonly string[]
  readonly controlUrl: string
  /** Stops accepting, lets exchanges finish for up to `limitMs` (10 s), then cuts them. */
  close(limitMs?: number): Promise<{ readonly cutExchanges: number }>
}

export interface MeridianOptions {
  /** Used instead of the files in `regions.directory`. */
  readonly regions?: readonly Region[]
  readonly log?: Logger
}

/**
 * Resolves once the router serves.
 *
 * @throws MeridianError whatever is wrong with configuration, regions, databases or listeners; nothing is left running
 */
export async function startMeridian(config: Config, options: MeridianOptions = {}): Promise<Meridian> {
  const log = options.log ?? createLogger({ level: config.log.level, fields: { router: config.router.id } })
  const [locator, regions] = await loadInputs(config, options.regions)
  warnOrRefuse(config, regions, locator, log)

  const stops: (() => unknown)[] = []
  const stopAll = async (): Promise<void> => {
    for (const stop of stops.reverse()) await stop()
    stops.length = 0
  }
  try {
    return await start(config, regions, locator, log, stops, stopAll)
  } catch (error) {
    await stopAll()
    throw error
  }
}

async function start(
  config: Config,
  regions: readonly Region[],
  locator: Locator,
  log: Logger,
  stops: (() => unknown)[],
  stopAll: () => Promise<void>,
): Promise<Meridian> {
  const clock = systemClock
  const metrics = createMetrics(clock.now)
  metrics.useGeoDatabases(locator.sources)
  const store = createMemoryStore({ clock, leaseMs: config.lease.durationMs })
  stops.push(() => store.close())
  await store.declare(regions)

  const router = createRouter(routerSettings(config), locator)
  const prober = config.health.enabled
    ? createProber({
        clock,
        random: Math.random,
        settings: config.health,
        onChange: () => void feed?.refresh().catch(logFault),
      })
    : undefined
  stops.push(() => prober?.close())
  const logFault = (error: unknown): void => log.error({ err: error }, 'the fleet could not be read')
  const tellFleet = observeFleet(metrics, log)
  const feed = await startFleetFeed({
    store,
    prober,
    clock,
    everyMs: config.routing.snapshotEveryMs,
    onSnapshot: (snapshot, previous) => {
      router.useSnapshot(snapshot, clock.now())
      tellFleet(snapshot, previous)
    },
    onFault: logFault,
  })
  stops.push(() => feed.close())
  stops.push(repeat(clock, advanceEveryMs, () => router.advance(clock.now())))

  const forwarder = createUndiciForwarder(config.http.timeouts)
  stops.push(() => forwarder.close())
  const edge = createEdge({
    router,
    forwarder,
    clientAddress: {
      trustedProxies: createNetworkSet(config.http.trustedProxies.map(networkOf)),
      header: config.http.clientAddressHeader,
    },
    clock,
    random: Math.random,
    requestId: randomUUID,
    observer: observeEdge(metrics, log, config.log),
  })
  let cutExchanges = 0
  let closeLimitMs: number | undefined
  const control = createControlApp({
    store,
    router,
    currentSnapshot: () => feed.snapshot,
    refresh: () => feed.refresh(),
    access: { tokens: config.control.tokens, openReading: isLoopback(config.control.listen.address) },
    allowedEndpoints: config.control.allowedEndpoints,
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.expose() }),
    ready: () => readiness(feed.snapshot.regions.length),
    version,
    log,
  })
  stops.push(() => control.close())
  const controlUrl = await listenControl(control, config.control.listen)
  stops.push(async () => {
    cutExchanges = await edge.close(closeLimitMs)
  })
  const bound = await edge.listen(config.http.listen)
  return {
    dataUrls: bound.map(urlOf),
    controlUrl,
    async close(limitMs) {
      closeLimitMs = limitMs
      await stopAll()
      return { cutExchanges }
    },
  }
}

/** Reads everything at once, so that all faults are found in one go. */
async function loadInputs(config: Config, given: readonly Region[] | undefined): Promise<[Locator, readonly Region[]]> {
  const { directory } = config.regions
  const [locator, regions] = await Promise.allSettled([
    loadLocator(config.geo),
    given ?? (directory === undefined ? [] : readRegionFiles(directory)),
  ])
  const errors = [locator, regions].flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason] : []))
  if (errors.length === 1) throw errors[0]
  if (locator.status === 'rejected' || regions.status === 'rejected') {
    const faults = (errors as MeridianError[]).flatMap(error =>
      error.faults.length > 0 ? error.faults : error.message,
    )
    throw new MeridianError('CONFIG_INVALID', faults.join('; '), { faults })
  }
  return [locator.value, regions.value]
}

function warnOrRefuse(config: Config, regions: readonly Region[], locator: Locator, log: Logger): void {
  const { faults, warnings } = crossCheck(config, regions, locator.pins)
  for (const warning of warnings) log.warn(warning)
  if (faults.length > 0) throw new MeridianError('CONFIG_INVALID', faults.join('; '), { faults })
}

function readiness(regionCount: number) {
  return regionCount > 0
    ? { ready: true, reasons: [] }
    : { ready: false, reasons: ['no region is known: declare some in regions.directory, or register one'] }
}

function networkOf(text: string) {
  const network = parseNetwork(text)
  if (!network.ok) throw new MeridianError('CONFIG_INVALID', `http.trustedProxies: ${text} is not a network`)
  return network.value
}

function urlOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
}
