/**
 * The shared store: several routers see one fleet through Redis (or Valkey).
 *
 * A reading is one round trip. Events make changes fast, whoever reads once a second makes them certain. Regions from
 * files stay with the router that has the files; drains are shared by id, whoever declares the region.
 */

import type { Clock, Random } from '../clock.ts'
import type { AllowedEndpoints } from './allowed-endpoints.ts'
import { canonicalJson } from './canonical-json.ts'
import { DeclaredRegions } from './declared-regions.ts'
import { LapseWatch } from './lapse-watch.ts'
import type { LatencyExchange } from './latency-exchange.ts'
import type { LoadReport } from './load-report.ts'
import { eventChannel, RedisAccess } from './redis-access.ts'
import { connectRedis, type RedisConnection, type RedisNode, type RedisTarget } from './redis-connection.ts'
import { parseEvent } from './redis-events.ts'
import { RedisExchange } from './redis-exchange.ts'
import { createRedisLatency } from './redis-latency.ts'
import { RedisRecords, type RegisteredRecord } from './redis-records.ts'
import { Remembering } from './redis-remembering.ts'
import { RedisRouters, routerName } from './redis-routers.ts'
import { createRedisAudit, createRedisTokens } from './redis-tokens.ts'
import { RedisTolls } from './redis-tolls.ts'
import type { Region } from './region.ts'
import type { Remembered } from './remembered.ts'
import type { RouterPresence } from './router-presence.ts'
import {
  type Drain,
  type FleetEvent,
  type FleetMode,
  type FleetRecord,
  type FleetState,
  fleetModes,
  type RegionStore,
  type Registration,
} from './store.ts'
import {
  neverRegistered,
  onlyDeclared,
  regionChanged,
  reportOfOtherEpoch,
  reportRepeated,
  unknownRegion,
} from './store-errors.ts'
import { Watchers } from './watchers.ts'

export interface RedisStoreOptions {
  readonly target: RedisTarget
  readonly fleet: string
  /** Before every key. */
  readonly keyPrefix: string
  readonly leaseMs: number
  readonly clock: Clock
  /** Spreads the attempts to connect again. */
  readonly random: Random
  /** What Redis holds is checked against these as if it came over the API. */
  readonly allowedEndpoints: AllowedEndpoints
  /** As it was kept on disk before this start; put back once if Redis has lost it meanwhile. */
  readonly remembered?: Remembered | undefined
  /** What the other routers are told of this one; absent: nothing. */
  readonly presence?: () => RouterPresence
  /** Something that an operator should see, but that stops nothing. */
  readonly onWarning: (message: string) => void
}

export interface RedisStore extends RegionStore {
  readonly latency: LatencyExchange
  /**
   * Resolves once Redis answers and is fit to hold a fleet.
   * @throws MeridianError STORE_UNAVAILABLE when it cannot be reached now (the store keeps trying), STORE_UNSUITABLE when
   * it refuses the user, may evict keys, or holds the fleet in another schema version
   */
  join(): Promise<void>
  /** Every place where Redis may be, as far as is known by now. */
  nodes(): readonly RedisNode[]
  /** Of the last reading, to be kept on disk for the next start. */
  remembered(): Remembered | undefined
}

/** Connects in the background; whoever makes it closes it. */
export function createRedisStore(options: RedisStoreOptions): RedisStore {
  return new SharedStore(options)
}

class SharedStore implements RedisStore {
  readonly tokens
  readonly audit
  readonly exchange
  readonly latency
  readonly #options: RedisStoreOptions
  readonly #connection: RedisConnection
  readonly #access: RedisAccess
  readonly #declared = new DeclaredRegions()
  readonly #records: RedisRecords
  readonly #watchers = new Watchers()
  readonly #lapses: LapseWatch
  readonly #routers: RedisRouters
  readonly #remembering: Remembering
  readonly #tolls: RedisTolls
  /** Of the last reading: which Redis it was, and which specifications it had. */
  #state = ''
  #clockOffsetMs: number | undefined

  constructor(options: RedisStoreOptions) {
    const { target, fleet, keyPrefix, random, clock, allowedEndpoints, onWarning } = options
    this.#options = options
    const channel = eventChannel(keyPrefix, fleet, target.database)
    this.#connection = connectRedis({
      target,
      random,
      channel,
      onMessage: message => this.#hear(message),
      onLost: () => this.#access.forgetInspection(),
    })
    this.#access = new RedisAccess({ connection: this.#connection, fleet, keyPrefix, channel, clock })
    this.#records = new RedisRecords(allowedEndpoints, onWarning)
    this.#lapses = new LapseWatch(clock, {
      onDue: () => {
        // Before a lapse counts, let it be known whether anybody could have renewed the lease.
        this.#routers.becomeDue()
        void this.read().catch(() => {})
      },
      onLapse: region => this.#tell({ kind: 'lapsed', region }),
    })
    const name = routerName(options)
    this.#routers = new RedisRouters(options, name)
    this.#tolls = new RedisTolls(clock, onWarning)
    this.#remembering = new Remembering({ ...options, access: this.#access })
    this.tokens = createRedisTokens(this.#access)
    this.audit = createRedisAudit(this.#access)
    this.exchange = new RedisExchange({ access: this.#access, name, onWarning })
    this.latency = createRedisLatency(this.#access, Math.floor(random() * 2 ** 48).toString(36))
  }

  async join(): Promise<void> {
    await this.#connection.whenReady()
    await this.#access.inspect()
  }

  async declare(regions: readonly Region[]): Promise<void> {
    const { changed, gone } = this.#declared.replace(regions, this.#options.clock.now())
    for (const region of changed) this.#tell({ kind: 'declared', region })
    const registered = this.#records.registered()
    for (const region of gone) if (!registered.has(region)) this.#tell({ kind: 'removed', region })
  }

  declared(): readonly Region[] {
    return this.#declared.regions()
  }

  async register(region: Region, { ifRevision }: { readonly ifRevision?: number } = {}): Promise<Registration> {
    const { leaseMs } = this.#options
    const args = [region.id, canonicalJson(region), leaseMs, ifRevision ?? '', this.#access.channel]
    type Reply = readonly [outcome: string, epoch: number, revision: number, renewed: number]
    const [outcome, epoch, revision, renewed] = (await this.#access.run('register', args)) as Reply
    if (outcome === 'REVISION') throw regionChanged(region.id, ifRevision!, epoch)
    this.#lapses.renew(region.id, leaseMs)
    if (renewed === 1) this.#tell({ kind: 'reported', region: region.id })
    return { epoch, leaseMs, revision }
  }

  async heartbeat(id: string, report: LoadReport): Promise<void> {
    const { epoch, sequence } = report
    const { leaseMs } = this.#options
    const args = [id, epoch, sequence, leaseMs, JSON.stringify(report), this.#access.channel]
    const [outcome, known] = (await this.#access.run('heartbeat', args)) as readonly [string, number]
    if (outcome === 'UNKNOWN') throw neverRegistered(id)
    if (outcome === 'EPOCH') throw reportOfOtherEpoch(id, epoch, known)
    if (outcome === 'SEQUENCE') throw reportRepeated(id, sequence, known)
    this.#lapses.renew(id, leaseMs)
    this.#tell({ kind: 'reported', region: id })
  }

  async drain(id: string, by: string, reason: string): Promise<void> {
    const args = [id, JSON.stringify({ by, reason }), this.#declaredFlag(id), this.#access.channel]
    const [outcome] = await this.#access.run('drain', args)
    if (outcome === 'UNKNOWN') throw unknownRegion(id)
  }

  async undrain(id: string): Promise<void> {
    const [outcome] = await this.#access.run('undrain', [id, this.#declaredFlag(id), this.#access.channel])
    if (outcome === 'UNKNOWN') throw unknownRegion(id)
  }

  async remove(id: string): Promise<void> {
    const [outcome] = await this.#access.run('remove', [id, this.#declaredFlag(id), this.#access.channel])
    if (outcome === 'UNKNOWN') throw this.#declared.has(id) ? onlyDeclared(id) : unknownRegion(id)
  }

  async setMode(mode: FleetMode, by: string): Promise<void> {
    await this.#access.run('setMode', [mode, by, this.#access.channel])
  }

  async read(): Promise<FleetState> {
    this.#connection.checkEvents()
    // What was not taken while Redis was away says nothing of now: only another try does.
    if (this.#access.writeFault !== undefined) this.#routers.becomeDue()
    // All are on their way before any is answered.
    const announced = Promise.all([this.#announce(), this.#access.inspectAgain()])
    const reply = (await this.#access.run('read', [this.#state])) as Reading
    await announced
    const [, now, state, mode, regions, leases, loads, drains, tokens, routers, tolls, leader] = reply
    const incarnation = incarnationOf(state)
    if (await this.#remembering.restoreInto(incarnation)) return this.read()
    this.#routers.take(routers, now)
    this.#records.take({ regions: regions ?? undefined, leases, loads, drains })
    this.#state = state
    const known = fleetModes.find(candidate => candidate === mode) ?? 'auto'
    this.#remembering.take({ incarnation, at: now, mode: known, drains, tokens })
    const { writeFault, evictionFault } = this.#access
    const registered = this.#records.registered()
    this.#lapses.follow(registered, now)
    const ids = new Set([...this.#declared.ids(), ...registered.keys()])
    const stray = this.#records.drainsBeside(ids)
    return {
      now,
      mode: known,
      incarnation,
      ...(writeFault !== undefined && { writeFault }),
      ...(evictionFault !== undefined && { evictionFault }),
      routers: this.#routers.others(),
      ...this.#tolls.take(tolls, leader, now),
      records: [...ids].sort().map(id => this.#record(id, registered.get(id), now)),
      ...(stray.size > 0 && { strayDrains: stray }),
    }
  }

  nodes(): readonly RedisNode[] {
    return this.#connection.nodes()
  }

  remembered(): Remembered | undefined {
    return this.#remembering.latest
  }

  watch(listener: (event: FleetEvent) => void): () => void {
    return this.#watchers.add(listener)
  }

  async close(): Promise<void> {
    this.#watchers.clear()
    this.#lapses.close()
    this.#connection.close()
  }

  /** Tells the others of this router, if that is due, and this one whether the store takes writes. */
  async #announce(): Promise<void> {
    if (this.#routers.isDue) await this.#routers.announce(this.#access).catch(() => {})
  }

  #record(id: string, registered: RegisteredRecord | undefined, now: number): FleetRecord {
    const drain: Drain | undefined = this.#records.drainOf(id)
    const drained = drain === undefined ? {} : { drain }
    if (registered !== undefined) return { source: 'registered', ...registered, ...drained }
    const { region, declaredAt } = this.#declared.get(id)!
    // Files are read on this machine's clock; the difference is taken once, so that the time does not waver.
    this.#clockOffsetMs ??= now - this.#options.clock.now()
    return { region, source: 'file', revision: 0, registeredAt: declaredAt + this.#clockOffsetMs, ...drained }
  }

  #hear(message: string): void {
    const event = parseEvent(message)
    if (event === undefined) return
    // What others call removed may still stand in a file of this router.
    const fallsBack = event.kind === 'removed' && this.#declared.has(event.region)
    this.#tell(fallsBack ? { kind: 'declared', region: event.region } : event)
  }

  #declaredFlag(id: string): 0 | 1 {
    return this.#declared.has(id) ? 1 : 0
  }

  #tell(event: FleetEvent): void {
    this.#watchers.tell(event)
  }
}

type Flat = string[]
/** OK, now, state, mode, then regions (null: as before), leases, loads, drains, tokens and routers; then tolls and leader. */
type Reading = readonly [
  ...[string, number, string, string, Flat | null, Flat, Flat, Flat, Flat, Flat],
  ...[string | null, string | null],
]

/** The part of a reading's state that changes only when Redis has lost everything. */
function incarnationOf(state: string): string {
  return state.slice(0, state.indexOf(':'))
}
