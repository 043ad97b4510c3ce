/** Store, probes, and the feed that puts what they know into use. */

import { lookup } from 'node:dns'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import type { ConditionEvent } from '../control/event-hub.ts'
import type { Locator } from '../geo/location.ts'
import { createProber } from '../health/prober.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { DrainTracker } from '../regions/drain-estimate.ts'
import type { LatencyExchange } from '../regions/latency-exchange.ts'
import { createLeaseGuard } from '../regions/lease-guard.ts'
import type { Region } from '../regions/region.ts'
import type { FleetState, RegionStore } from '../regions/store.ts'
import { LatencyModel } from '../routing/latency/latency-model.ts'
import type { LiveRouter } from '../routing/router.ts'
import { type FleetFeed, startFleetFeed } from './fleet-feed.ts'
import { type Guarded, guardFleet } from './guarded-connections.ts'
import { type LatencyFeed, startLatencyFeed } from './latency-feed.ts'
import { defaultLatencyFile } from './latency-file.ts'
import { startLeading } from './lead-tolls.ts'
import { observeFleet } from './observe-fleet.ts'
import { observeStore } from './observe-store.ts'
import { openStore } from './open-store.ts'
import { startSharing } from './share-sums.ts'
import type { Stops } from './stops.ts'
import { guardStore } from './store-places.ts'
import { repeat, systemClock } from './system-clock.ts'

/** How often dispatched requests age; well below the stay of most of them. */
const advanceEveryMs = 100

export interface Fleet {
  /** Undefined where latency is not measured. */
  readonly latency: LatencyFeed | undefined
  readonly store: RegionStore
  readonly feed: FleetFeed
  /** Tells of regions that go down and come back as this router sees it; the function returned stops that. */
  watchConditions(listener: (event: ConditionEvent) => void): () => void
}

export interface FleetGround {
  readonly config: Config
  readonly locator: Locator
  readonly log: Logger
  readonly regions: readonly Region[]
  readonly metrics: Metrics
  readonly guarded: Guarded
  readonly drains: DrainTracker
  readonly stops: Stops
}

/** Resolves with the first snapshot in use. @throws MeridianError where the store must not be used */
export async function startFleet(
  { config, locator, log, regions, metrics, guarded, drains, stops }: FleetGround,
  router: LiveRouter,
): Promise<Fleet> {
  const clock = systemClock
  const everyMs = config.routing.snapshotEveryMs
  const {
    store,
    latency: exchange,
    nodes,
    assumed,
    onReading,
  } = await openStore({
    config,
    regions,
    allowedEndpoints: guarded.allowed,
    presence: () => guarded.own,
    log,
    stops,
  })
  const latency = await openLatency({ config, locator, log, stops }, router, exchange)
  if (nodes !== undefined) stops.push(guardStore({ nodes, guard: guarded.guard, lookUp: lookup, clock }))
  const guard = createLeaseGuard({ leaseMs: config.lease.durationMs, everyMs })
  if (assumed !== undefined) guard.assume(assumed)

  let refresh = (): void => {}
  const prober = createProber({
    clock,
    random: Math.random,
    settings: config.health,
    connections: guarded.connections,
    onChange: () => refresh(),
    onFailure: metrics.countProbeFailure,
  })
  stops.push(() => prober.close())
  const watchers = new Set<(event: ConditionEvent) => void>()
  const tell = observeFleet(metrics, log, event => watchers.forEach(watcher => void watcher(event)))
  let latest: FleetState | undefined
  const observer = observeStore(metrics, log, assumed === undefined)
  const feed = await startFleetFeed({
    store,
    guard,
    prober: config.health.enabled ? prober : undefined,
    clock,
    everyMs,
    onSnapshot: (snapshot, previous) => {
      router.useSnapshot(snapshot, clock.now())
      latency?.useSnapshot(snapshot)
      drains.observe(snapshot, latest!)
      tell(snapshot, previous)
    },
    onReading: fleet => {
      observer.read(fleet)
      onReading?.(fleet)
    },
    onFleet: fleet => {
      latest = fleet
      guardFleet(fleet, guarded.guard)
    },
    onSilence: share => tellSilence(log, share),
    onFault: observer.away,
  })
  refresh = () => void feed.refresh().catch(observer.away)
  stops.push(() => feed.close())
  stops.push(repeat(clock, advanceEveryMs, () => router.advance(clock.now())))
  startWorkingTogether({ config, log, metrics, stops }, router, { store, feed })
  const watchConditions: Fleet['watchConditions'] = listener => {
    watchers.add(listener)
    return () => watchers.delete(listener)
  }
  return { store, latency, feed, watchConditions }
}

async function openLatency(
  { config, locator, log, stops }: Pick<FleetGround, 'config' | 'locator' | 'log' | 'stops'>,
  router: LiveRouter,
  exchange: LatencyExchange | undefined,
): Promise<LatencyFeed | undefined> {
  const { latency } = config.routing
  if (!latency.enabled) return undefined
  const feed = await startLatencyFeed({
    model: new LatencyModel(latency),
    router,
    locator,
    exchange,
    file: latency.file ?? defaultLatencyFile(config.fleet, config.router.id, config.redis?.snapshotFile, process.env),
    fleet: config.fleet,
    clock: systemClock,
    onFault: message => log.warn(message),
  })
  stops.push(() => feed.close())
  return feed
}

/** Traffic told to the other routers, and tolls for all of them made by one. */
function startWorkingTogether(
  { config, log, metrics, stops }: Pick<FleetGround, 'config' | 'log' | 'metrics' | 'stops'>,
  router: LiveRouter,
  { store, feed }: Pick<Fleet, 'store' | 'feed'>,
): void {
  const { exchangeEveryMs: everyMs, tollsEveryMs } = config.routing
  const common = { exchange: store.exchange, router, clock: systemClock, log }
  stops.push(startSharing({ ...common, everyMs, onPeers: metrics.notePeers }))
  const currentSnapshot = () => feed.snapshot
  stops.push(startLeading({ ...common, currentSnapshot, tollsEveryMs, onLead: metrics.noteLead }))
}

function tellSilence(log: Logger, share: number): void {
  if (share === 0) log.info('the regions that fell silent together are back, or too few to blame the store')
  else {
    const percent = Math.round(100 * share)
    log.error(
      { share },
      `${percent} % of the capacity fell silent at once: taken for a fault of ours, kept as impaired`,
    )
  }
}

/** Whether clients should be sent to this router, and what is not as it should be. */
export function readiness({ snapshot, fault, known }: FleetFeed): {
  readonly ready: boolean
  readonly reasons: readonly string[]
} {
  const reasons: string[] = []
  if (snapshot.regions.length === 0) {
    reasons.push('no region is known: declare some in regions.directory, or register one')
  }
  if (fault !== undefined) {
    reasons.push(`deciding from what was last known of the fleet: ${(fault as Error).message}`)
  }
  if (fault === undefined && known?.fleet.writeFault !== undefined) {
    reasons.push(`registrations and heartbeats are refused, so no lease lapses: ${known.fleet.writeFault}`)
  }
  if (fault === undefined && known?.fleet.evictionFault !== undefined) reasons.push(known.fleet.evictionFault)
  return { ready: snapshot.regions.length > 0, reasons }
}
