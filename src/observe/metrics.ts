/**
 * What the router tells Prometheus. The only file that knows prom-client; everybody else gets plain functions.
 *
 * Every metric has the prefix `meridian_`, its unit at the end of its name and a help text; those of the process keep the
 * names by which dashboards know them. Labels hold what the operator named (rules, regions, files) or one of a few fixed
 * words, never anything that a client sent: their number stays bounded.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { DrainEstimate } from '../regions/drain-estimate.ts'
import type { RegionCondition, Snapshot } from '../regions/snapshot.ts'

export interface DecisionCount {
  readonly rule: string
  /** redirect, proxy, decide, dns, api */
  readonly transport: string
  /** undefined: no region was left. */
  readonly region: string | undefined
  readonly reason: string
}

export interface ExchangeCount {
  /** undefined: refused before a rule was found. */
  readonly transport?: string | undefined
  /** 0: the client left before an answer began. */
  readonly status: number
  readonly durationMs: number
}

export interface UpstreamEnd {
  readonly region: string
  readonly firstByteMs?: number | undefined
  readonly failure?: string | undefined
  /** It answered that it is busy. */
  readonly refused?: boolean
}

export interface Metrics {
  readonly contentType: string
  /** The whole exposition, as `GET /metrics` answers it. */
  expose(): Promise<string>
  countDecision(decision: DecisionCount): void
  countExchange(exchange: ExchangeCount): void
  /** A request was sent to a region … */
  beginUpstream(region: string): void
  /** … and is over; exactly one for every beginning. */
  endUpstream(end: UpstreamEnd): void
  /** A request was answered 503, since every region that may serve it is full. */
  countShed(rule: string, priority: string): void
  countProbeFailure(region: string): void
  /** Takes over conditions, tolls, version and ages; a region that is gone leaves no series of them behind. */
  useSnapshot(snapshot: Snapshot): void
  /** How many other routers of the fleet were heard of when they were last listened to. */
  notePeers(count: number): void
  /** This router sets the tolls of the fleet from now on, or does not any more. */
  noteLead(isLeading: boolean): void
  /** What keeps the shared store from renewing leases; undefined: nothing. */
  useStoreTrouble(trouble: StoreTrouble | undefined): void
  /** Where to look for how far draining regions are. */
  useDrains(estimates: () => ReadonlyMap<string, DrainEstimate>): void
  /** Where to look for how busy regions are believed to be, as fractions of their capacity, by id. */
  useUtilisations(utilisations: () => ReadonlyMap<string, number>): void
  /** Measured round trips that somebody reported to this router, as far as they were taken. */
  countLatencySamples(accepted: number, rejected: number): void
  /** Databases in use now; those of before are forgotten. */
  useGeoDatabases(databases: readonly { readonly file: string; readonly builtAt?: Date }[]): void
  /** Changed files were taken up, or refused. */
  noteReload(succeeded: boolean): void
  /** MaxMind was asked for a newer database, be there one or not; or could not be. */
  noteGeoUpdate(edition: string, succeeded: boolean): void
  /** Editions that are kept fresh; others are forgotten. */
  useGeoEditions(editions: readonly string[]): void
}

const storeTroubles = ['unreadable', 'refuses-writes'] as const
export type StoreTrouble = (typeof storeTroubles)[number]

const conditions: readonly RegionCondition[] = ['up', 'impaired', 'draining', 'down']

/** From a redirect (well under a millisecond) to a long stream. */
const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** @param now on the clock of the snapshots */
export function createMetrics(now: () => number): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const traffic = trafficMetrics(registry)
  const fleet = fleetMetrics(registry, now)
  return {
    contentType: registry.contentType,
    expose: () => registry.metrics(),
    countDecision({ rule, transport, region, reason }) {
      traffic.decisions.inc({ rule, transport, region: region ?? 'none', reason })
    },
    countExchange({ transport = 'none', status, durationMs }) {
      traffic.exchanges.inc({ transport, status: statusClass(status) })
      traffic.duration.observe({ transport }, durationMs / 1_000)
    },
    beginUpstream: region => traffic.inFlight.inc({ region }),
    endUpstream({ region, firstByteMs, failure, refused }) {
      traffic.inFlight.dec({ region })
      if (firstByteMs !== undefined) traffic.firstByte.observe({ region }, firstByteMs / 1_000)
      if (failure !== undefined) traffic.failures.inc({ region, kind: failure })
      if (refused === true) traffic.refusals.inc({ region })
    },
    countShed: (rule, priority) => traffic.shed.inc({ rule, priority }),
    countProbeFailure: region => fleet.probeFailures.inc({ region }),
    useSnapshot: fleet.useSnapshot,
    useStoreTrouble: storeMetrics(registry),
    useDrains: estimates => drainMetrics(registry, estimates),
    useUtilisations: utilisations => utilisationMetric(registry, utilisations),
    countLatencySamples: latencyMetric(registry),
    useGeoDatabases: fleet.useGeoDatabases,
    ...fleetworkMetrics(registry),
    ...freshnessMetrics(registry, now),
  }
}

function trafficMetrics(registry: Registry) {
  const registers = [registry]
  return {
    decisions: new Counter({
      name: 'meridian_decisions_total',
      help: 'Decisions, by the rule that applied, how they were answered, the region they chose and why',
      labelNames: ['rule', 'transport', 'region', 'reason'],
      registers,
    }),
    exchanges: new Counter({
      name: 'meridian_http_exchanges_total',
      help: 'HTTP exchanges of the data plane by class of status; client-left: nobody was there to take an answer',
      labelNames: ['transport', 'status'],
      registers,
    }),
    duration: new Histogram({
      name: 'meridian_http_exchange_duration_seconds',
      help: 'Time from the request to the end of its answer',
      labelNames: ['transport'],
      buckets: durationBuckets,
      registers,
    }),
    inFlight: new Gauge({
      name: 'meridian_upstream_inflight_requests',
      help: 'Proxied requests that a region is working on now',
      labelNames: ['region'],
      registers,
    }),
    firstByte: new Histogram({
      name: 'meridian_upstream_first_byte_duration_seconds',
      help: 'Time from sending a request to a region to the first byte of its answer, connecting included',
      labelNames: ['region'],
      buckets: durationBuckets,
      registers,
    }),
    failures: new Counter({
      name: 'meridian_upstream_failures_total',
      help: 'Tries at a region that failed: connect, timeout (no first byte) or broken (connection lost)',
      labelNames: ['region', 'kind'],
      registers,
    }),
    shed: new Counter({
      name: 'meridian_shed_total',
      help: 'Requests answered 503 because every region that may serve them is full, the lowest priority first',
      labelNames: ['rule', 'priority'],
      registers,
    }),
    refusals: new Counter({
      name: 'meridian_upstream_refusals_total',
      help: 'Requests that a region answered with 429, or 503 with Retry-After; they mark it as hot, and fail no probe',
      labelNames: ['region'],
      registers,
    }),
  }
}

function fleetMetrics(registry: Registry, now: () => number) {
  const registers = [registry]
  let snapshot: Snapshot | undefined
  new Gauge({
    name: 'meridian_region_condition_info',
    help: '1 for the condition that a region is in, 0 for the others',
    labelNames: ['region', 'tier', 'condition'],
    registers,
    // Snapshots come more often than Prometheus, and a large fleet has thousands of these.
    collect() {
      this.reset()
      for (const { region, verdict } of snapshot?.regions ?? []) {
        for (const condition of conditions) {
          this.set({ region: region.id, tier: region.tier, condition }, verdict.condition === condition ? 1 : 0)
        }
      }
    },
  })
  const geoBuilt = new Gauge({
    name: 'meridian_geo_database_build_timestamp_seconds',
    help: 'When the geo database in use was built, in Unix time',
    labelNames: ['file'],
    registers,
  })
  const probeFailures = new Counter({
    name: 'meridian_probe_failures_total',
    help: 'Health probes of a region that failed',
    labelNames: ['region'],
    registers,
  })
  const version = new Gauge({
    name: 'meridian_snapshot_version',
    help: 'Version of the snapshot that decisions are made from; rises by one with every swap',
    registers,
  })
  new Gauge({
    name: 'meridian_snapshot_age_seconds',
    help: 'Age of the snapshot that decisions are made from; 0 before the first one',
    registers,
    collect() {
      if (snapshot !== undefined) this.set(Math.max(0, now() - snapshot.takenAt) / 1_000)
    },
  })
  new Gauge({
    name: 'meridian_region_toll_milliseconds',
    help: 'Price of a region that is persistently full, as decisions count it',
    labelNames: ['region'],
    registers,
    collect() {
      this.reset()
      for (const { region, tollMs } of snapshot?.regions ?? []) this.set({ region: region.id }, tollMs)
    },
  })
  new Gauge({
    name: 'meridian_tolls_age_seconds',
    help: 'Time since the tolls in use were set; after ten seconds they lose their weight; absent before the first ones',
    registers,
    collect() {
      this.reset()
      const setAt = snapshot?.tolls?.setAt
      if (setAt === undefined) this.remove()
      else this.set(Math.max(0, now() - setAt) / 1_000)
    },
  })
  const useSnapshot = (next: Snapshot): void => {
    snapshot = next
    version.set(next.version)
  }
  const useGeoDatabases: Metrics['useGeoDatabases'] = databases => {
    geoBuilt.reset()
    for (const { file, builtAt } of databases)
      if (builtAt !== undefined) geoBuilt.set({ file }, builtAt.getTime() / 1_000)
  }
  return { probeFailures, useSnapshot, useGeoDatabases }
}

/** How this router works together with the others of its fleet. */
function fleetworkMetrics(registry: Registry) {
  const registers = [registry]
  const peers = new Gauge({
    name: 'meridian_exchange_peers',
    help: 'Other routers of the fleet whose traffic this one knows of; 0 as well where there are none',
    registers,
  })
  const lead = new Gauge({
    name: 'meridian_is_leader',
    help: '1 while this router sets the tolls of the fleet, 0 otherwise',
    registers,
  })
  return {
    notePeers: (count: number): void => peers.set(count),
    noteLead: (isLeading: boolean): void => lead.set(isLeading ? 1 : 0),
  }
}

function storeMetrics(registry: Registry): Metrics['useStoreTrouble'] {
  const gauge = new Gauge({
    name: 'meridian_store_trouble_info',
    help: '1 while the shared store has this trouble, 0 otherwise; no lease lapses while it has any',
    labelNames: ['trouble'],
    registers: [registry],
  })
  const use = (present: StoreTrouble | undefined): void => {
    for (const trouble of storeTroubles) gauge.set({ trouble }, trouble === present ? 1 : 0)
  }
  use(undefined)
  return use
}

/** When changed files and newer databases were last looked after, and whether that went well. */
function freshnessMetrics(registry: Registry, now: () => number) {
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] })
  const reloadAt = gauge(
    'meridian_last_reload_timestamp_seconds',
    'When changed files were last taken up or refused, in Unix time',
  )
  const reloaded = gauge('meridian_last_reload_success', '1 if the last reload was taken up, 0 if it was refused')
  const updateAt = gauge(
    'meridian_last_geo_update_timestamp_seconds',
    'When a newer geo database was last asked for, in Unix time',
    ['edition'],
  )
  const updated = gauge(
    'meridian_last_geo_update_success',
    '1 if the last geo update went well, be there a newer database or not; 0 if it failed',
    ['edition'],
  )
  const attempted = new Set<string>()
  return {
    noteReload(succeeded: boolean): void {
      reloadAt.set(now() / 1_000)
      reloaded.set(succeeded ? 1 : 0)
    },
    noteGeoUpdate(edition: string, succeeded: boolean): void {
      attempted.add(edition)
      updateAt.set({ edition }, now() / 1_000)
      updated.set({ edition }, succeeded ? 1 : 0)
    },
    useGeoEditions(editions: readonly string[]): void {
      for (const edition of attempted) {
        if (editions.includes(edition)) continue
        for (const each of [updateAt, updated]) each.remove({ edition })
        attempted.delete(edition)
      }
    },
  }
}

function drainMetrics(registry: Registry, estimates: () => ReadonlyMap<string, DrainEstimate>): void {
  const gauge = (name: string, help: string, read: (estimate: DrainEstimate) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: ['region'],
      registers: [registry],
      collect() {
        this.reset()
        for (const [region, estimate] of estimates()) {
          const value = read(estimate)
          if (value !== undefined) this.set({ region }, value)
        }
      },
    })
  gauge(
    'meridian_region_drain_inflight_requests',
    'Requests that a draining region last reported in flight or queued',
    ({ inflight }) => inflight,
  )
  gauge(
    'meridian_region_drain_remaining_seconds',
    'Estimated time until a draining region is empty; absent where there is no telling',
    ({ emptyInSeconds }) => emptyInSeconds,
  )
}

function utilisationMetric(registry: Registry, utilisations: () => ReadonlyMap<string, number>): void {
  new Gauge({
    name: 'meridian_region_utilisation',
    help: 'Share of its capacity that a region is believed to use, as decisions count it; absent where nothing is known',
    labelNames: ['region'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [region, utilisation] of utilisations()) this.set({ region }, utilisation)
    },
  })
}

function latencyMetric(registry: Registry): Metrics['countLatencySamples'] {
  const counter = new Counter({
    name: 'meridian_latency_samples_total',
    help: 'Measured round trips that were reported to this router, accepted or rejected',
    labelNames: ['result'],
    registers: [registry],
  })
  const count: Metrics['countLatencySamples'] = (accepted, rejected) => {
    counter.inc({ result: 'accepted' }, accepted)
    counter.inc({ result: 'rejected' }, rejected)
  }
  count(0, 0)
  return count
}

function statusClass(status: number): string {
  return status === 0 ? 'client-left' : `${Math.floor(status / 100)}xx`
}
