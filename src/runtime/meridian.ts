/**
 * The composition root: builds every part of a router from its configuration, wires them with plain functions, starts
 * them from the inside out and stops them from the outside in.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { createControlApp } from '../control/app.ts'
import type { ControlApp } from '../control/dependencies.ts'
import { createEdge, type Edge } from '../edge/edge.ts'
import { createUndiciForwarder } from '../edge/undici-forwarder.ts'
import { MeridianError } from '../errors.ts'
import type { Locator } from '../geo/location.ts'
import { parseNetwork } from '../geo/network.ts'
import { createNetworkSet } from '../geo/network-set.ts'
import { createLogger } from '../observe/log.ts'
import { createMetrics, type Metrics } from '../observe/metrics.ts'
import { createDrainTracker, type DrainTracker } from '../regions/drain-estimate.ts'
import type { Region } from '../regions/region.ts'
import type { FollowingRouter, Router } from '../routing/decision.ts'
import { exploring } from '../routing/latency/exploration.ts'
import { createRouter, type LiveRouter } from '../routing/router.ts'
import { readControlTls } from './control-tls.ts'
import { createGeoUpdates } from './geo-updates.ts'
import { createGuarded, type Guarded } from './guarded-connections.ts'
import { listenControl } from './listen-control.ts'
import { countDecisions } from './observe-decisions.ts'
import { observeEdge } from './observe-edge.ts'
import { type ConfigSource, type ReloaderOptions, startReloader } from './reload.ts'
import { InputReader, type Inputs } from './reload-inputs.ts'
import { createSwap } from './reload-swap.ts'
import { controlAccess, routerSettings } from './settings.ts'
import { type Fleet, readiness, startFleet } from './start-fleet.ts'
import { Stops } from './stops.ts'
import { systemClock } from './system-clock.ts'
import { version } from './version.ts'

export interface Meridian {
  /** Where clients are served, as really bound: `http://127.0.0.1:8080`. */
  readonly dataUrls: readonly string[]
  readonly controlUrl: string
  /** Takes what has changed in files into use now; resolves when that is done, or was refused and logged. */
  reload(): Promise<void>
  /** Stops accepting, lets exchanges finish for up to `limitMs` (10 s), then cuts them. */
  close(limitMs?: number): Promise<{ readonly cutExchanges: number }>
}

export interface MeridianOptions {
  /** Used instead of the files in `regions.directory`. */
  readonly regions?: readonly Region[]
  readonly log?: Logger
  /** Where the configuration came from: read again whenever it changes. Absent: it stays as given. */
  readonly configSource?: ConfigSource
}

/**
 * Resolves once the router serves.
 *
 * @throws MeridianError whatever is wrong with configuration, regions, databases or listeners; nothing is left running
 */
export async function startMeridian(config: Config, options: MeridianOptions = {}): Promise<Meridian> {
  const log = options.log ?? createLogger({ level: config.log.level, fields: { router: config.router.id } })
  const reader = new InputReader(options.regions)
  const running = await reader.read(config)
  for (const warning of running.warnings) log.warn(warning)
  const { regions, geo } = running
  const stops = new Stops()
  const metrics = createMetrics(systemClock.now)
  const guarded = createGuarded(config)
  const drains = createDrainTracker()
  metrics.useDrains(() => drains.estimates(systemClock.now()))
  const reload = { running, reader, source: options.configSource }
  try {
    return await start({ config, log, locator: geo.locator, regions, metrics, guarded, drains, stops }, reload)
  } catch (error) {
    await stops.run()
    throw error
  }
}

/** What every part is built from. */
interface Ground {
  readonly config: Config
  readonly log: Logger
  readonly locator: Locator
  readonly regions: readonly Region[]
  readonly metrics: Metrics
  readonly guarded: Guarded
  readonly drains: DrainTracker
  readonly stops: Stops
}

/** Metrics outlive a router that was stopped, in a process that starts another: what they ask is let go with it. */
function untilStopped<T>(stops: Stops, source: () => T, afterwards: T): () => T {
  let current: (() => T) | undefined = source
  stops.push(() => {
    current = undefined
  })
  return () => (current === undefined ? afterwards : current())
}

async function start(ground: Ground, reload: ReloadSources): Promise<Meridian> {
  const { config, locator, metrics, stops } = ground
  metrics.useGeoDatabases(locator.sources)
  const router = createRouter(routerSettings(config), locator)
  metrics.useUtilisations(untilStopped(stops, () => router.utilisations(), new Map()))
  const fleet = await startFleet(ground, router)
  const { explorationShare } = config.routing.latency
  const deciding = explorationShare > 0 ? exploring(router, explorationShare, systemClock.now) : router
  const { control, controlUrl } = await startControl(ground, deciding, fleet)
  const edge = createDataPlane(ground, deciding)
  let limitMs: number | undefined
  let cutExchanges = 0
  stops.push(async () => {
    cutExchanges = await edge.close(limitMs)
  })
  const bound = await edge.listen(config.http.listen)
  ground.guarded.own.listeners.push(...bound.map(({ address, port }) => ({ role: 'data' as const, address, port })))
  const reloader = await startReloading(ground, reload, { router, fleet, control })
  return {
    dataUrls: bound.map(urlOf),
    controlUrl,
    reload: () => reloader.reload(),
    async close(limit) {
      limitMs = limit
      await stops.run()
      return { cutExchanges }
    },
  }
}

async function startControl(
  { config, log, metrics, guarded, drains, stops }: Ground,
  router: Router,
  fleet: Fleet,
): Promise<{ readonly control: ControlApp; readonly controlUrl: string }> {
  const { store, latency, feed, watchConditions } = fleet
  const control = createControlApp({
    store,
    router: countDecisions(router, metrics),
    currentSnapshot: () => feed.snapshot,
    knownFleet: () => feed.known,
    refresh: () => feed.refresh(),
    watchConditions,
    access: controlAccess(config),
    tls: await readControlTls(config.control.tls),
    allowedEndpoints: guarded.allowed,
    guard: guarded.guard,
    drains,
    latency,
    countLatencySamples: metrics.countLatencySamples,
    clock: systemClock,
    random: Math.random,
    randomBytes,
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.expose() }),
    ready: () => readiness(feed),
    version,
    log,
  })
  stops.push(() => control.close())
  const controlUrl = await listenControl(control, config.control.listen)
  const { address } = config.control.listen
  guarded.own.listeners.push({ role: 'control', address, port: portOf(controlUrl) })
  return { control, controlUrl }
}

function createDataPlane({ config, log, metrics, guarded, stops }: Ground, router: FollowingRouter): Edge {
  const forwarder = createUndiciForwarder(config.http.timeouts, guarded.connections)
  stops.push(() => forwarder.close())
  return createEdge({
    router,
    forwarder,
    clientAddress: {
      trustedProxies: createNetworkSet(config.http.trustedProxies.map(networkOf)),
      header: config.http.clientAddressHeader,
    },
    clock: systemClock,
    random: Math.random,
    requestId: randomUUID,
    observer: observeEdge(metrics, log, config.log),
  })
}

type ReloadSources = Pick<ReloaderOptions, 'reader' | 'source'> & { readonly running: Inputs }

/** What changes in files, and the downloads that change some of them. */
async function startReloading(
  ground: Ground,
  sources: ReloadSources,
  parts: { readonly router: LiveRouter; readonly fleet: Fleet; readonly control: ControlApp },
) {
  const { running, reader, source } = sources
  const { config, log, metrics, guarded, stops } = ground
  const clock = systemClock
  const onUpdate = (): void => void reloader.reload()
  const geoUpdates = createGeoUpdates({
    fetch: (url, init) => fetch(url, init),
    clock,
    random: Math.random,
    log,
    onUpdate,
    onAttempt: metrics.noteGeoUpdate,
  })
  stops.push(() => geoUpdates.close())
  const { router, fleet } = parts
  const useLocator = (locator: Locator): void => (fleet.latency ?? router).useLocator(locator)
  const swap = createSwap({ ...parts, useLocator, guarded, metrics, log, geoUpdates })
  const reloader = await startReloader(running, { reader, source, swap, onReload: metrics.noteReload, log, clock })
  stops.push(() => reloader.close())
  geoUpdates.use(config.geo.update)
  return reloader
}

function networkOf(text: string) {
  const network = parseNetwork(text)
  if (!network.ok) throw new MeridianError('CONFIG_INVALID', `http.trustedProxies: ${text} is not a network`)
  return network.value
}

/** As bound; URLs leave out the usual port. */
function portOf(url: string): number {
  const { port, protocol } = new URL(url)
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}

function urlOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
}
