/** Chooses the store by the configuration, and makes the most of a start without it. */

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import type { RedisConfig } from '../config/redis.ts'
import { MeridianError, unreadable } from '../errors.ts'
import type { AllowedEndpoints } from '../regions/allowed-endpoints.ts'
import type { LatencyExchange } from '../regions/latency-exchange.ts'
import { createMemoryStore } from '../regions/memory-store.ts'
import type { RedisNode, RedisTarget } from '../regions/redis-connection.ts'
import { createRedisStore } from '../regions/redis-store.ts'
import type { Region } from '../regions/region.ts'
import type { RouterPresence } from '../regions/router-presence.ts'
import type { FleetState, RegionStore } from '../regions/store.ts'
import { createSnapshotKeeper, defaultSnapshotFile, readLastSnapshot, readRemembered } from './last-snapshot.ts'
import type { Stops } from './stops.ts'
import { systemClock } from './system-clock.ts'

export interface OpenStore {
  readonly store: RegionStore
  /** Between routers; absent where there is only this one. */
  readonly latency?: LatencyExchange
  /** Where a shared store may be, as far as is known by now. */
  readonly nodes?: () => readonly RedisNode[]
  /** The fleet as it was last known, where the store is away. */
  readonly assumed?: FleetState
  /** To be told of every reading. */
  readonly onReading?: (fleet: FleetState) => void
}

export interface OpenStoreOptions {
  readonly config: Config
  readonly regions: readonly Region[]
  readonly allowedEndpoints: AllowedEndpoints
  /** What the other routers are told of this one. */
  readonly presence: () => RouterPresence
  readonly log: Logger
  readonly stops: Stops
}

/**
 * A store that knows the declared regions.
 *
 * @throws MeridianError STORE_UNSUITABLE; FILE_UNREADABLE for a file of `redis.tls`
 */
export async function openStore(options: OpenStoreOptions): Promise<OpenStore> {
  const { config, regions, stops } = options
  if (config.redis !== undefined) return openRedisStore(options, config.redis)
  const store = createMemoryStore({
    clock: systemClock,
    leaseMs: config.lease.durationMs,
    router: config.router.id,
  })
  stops.push(() => store.close())
  await store.declare(regions)
  return { store }
}

async function openRedisStore(
  { config, regions, allowedEndpoints, presence, log, stops }: OpenStoreOptions,
  redis: RedisConfig,
): Promise<OpenStore> {
  const file = redis.snapshotFile ?? defaultSnapshotFile(config.fleet, config.router.id, process.env)
  const onWarning = (message: string): void => log.warn(message)
  const store = createRedisStore({
    target: { ...redis.target, tls: await readRedisTls(redis.tls) },
    fleet: config.fleet,
    keyPrefix: redis.keyPrefix,
    leaseMs: config.lease.durationMs,
    clock: systemClock,
    random: Math.random,
    allowedEndpoints,
    remembered: await readRemembered(file, config.fleet),
    presence,
    onWarning,
  })
  stops.push(() => store.close())
  await store.declare(regions)
  const onFault = (error: unknown): void => log.warn({ err: error }, `the last snapshot cannot be kept in ${file}`)
  const keeper = createSnapshotKeeper({ file, fleet: config.fleet, clock: systemClock, onFault })
  stops.push(() => keeper.close())
  const onReading = (fleet: FleetState): void => keeper.keep(fleet, store.remembered())
  try {
    await store.join()
    return { store, latency: store.latency, nodes: () => store.nodes(), onReading }
  } catch (error) {
    if (!(error instanceof MeridianError) || error.code !== 'STORE_UNAVAILABLE') throw error
    const assumed = await readLastSnapshot({
      file,
      fleet: config.fleet,
      declared: regions,
      allowed: allowedEndpoints,
      onFault: onWarning,
    })
    const { length } = assumed.records
    const kept = existsSync(file) ? ` and ${file}` : ', with no snapshot of an earlier run'
    const from = `starting from ${length} region${length === 1 ? '' : 's'} of region files${kept}`
    log.warn(`${error.message}; ${from}, and joining when Redis comes`)
    return { store, latency: store.latency, nodes: () => store.nodes(), assumed, onReading }
  }
}

/** Reads what it takes to speak TLS with Redis. @throws MeridianError FILE_UNREADABLE */
export async function readRedisTls(files: RedisConfig['tls']): Promise<RedisTarget['tls']> {
  if (files === undefined) return undefined
  const [ca, cert, key] = await Promise.all([files.ca, files.cert, files.key].map(readPem))
  return { ca, cert, key }
}

async function readPem(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, cause, 'a file of redis.tls,')
  }
}
