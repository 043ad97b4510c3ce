/**
 * The embedded store: remembers the fleet in this process, for one router without Redis.
 *
 * Every lease is watched with a timer of the given clock, so that a lapse is told as it happens and not when somebody
 * next looks. Knows nothing of probes or of what a lapsed lease means to a client.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import { DeclaredRegions } from './declared-regions.ts'
import { type LoadReport, type ReceivedLoadReport, reportsOtherCapacity } from './load-report.ts'
import { MemoryExchange } from './memory-exchange.ts'
import { createMemoryAudit, createMemoryTokens } from './memory-records.ts'
import type { Region } from './region.ts'
import type { Drain, FleetEvent, FleetMode, FleetRecord, FleetState, RegionStore, Registration } from './store.ts'
import {
  neverRegistered,
  onlyDeclared,
  regionChanged,
  reportOfOtherEpoch,
  reportRepeated,
  unknownRegion,
} from './store-errors.ts'
import { Watchers } from './watchers.ts'

export interface MemoryStoreOptions {
  readonly clock: Clock
  /** How long a registration is believed without a heartbeat. */
  readonly leaseMs: number
  /** `router.id` of the only router. */
  readonly router?: string
}

interface Registered {
  readonly region: Region
  readonly registeredAt: number
  readonly epoch: number
  readonly revision: number
  expiresAt: number
  load?: ReceivedLoadReport
  cancelLapse: () => void
}

/** An empty store; whoever makes it closes it. */
export function createMemoryStore(options: MemoryStoreOptions): RegionStore {
  return new MemoryStore(options)
}

class MemoryStore implements RegionStore {
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #declared = new DeclaredRegions()
  readonly #registered = new Map<string, Registered>()
  readonly #drains = new Map<string, Drain>()
  readonly #watchers = new Watchers()
  /** One counter for the whole fleet: epochs also rise over a removal, and no report of a previous life fits again. */
  #lastEpoch = 0
  #mode: FleetMode = 'auto'
  readonly tokens = createMemoryTokens(() => this.#tell({ kind: 'tokens' }))
  readonly audit = createMemoryAudit()
  readonly exchange: MemoryExchange
  readonly #router: string

  constructor({ clock, leaseMs, router = 'router-1' }: MemoryStoreOptions) {
    this.#clock = clock
    this.#leaseMs = leaseMs
    this.#router = router
    this.exchange = new MemoryExchange(clock)
  }

  async declare(regions: readonly Region[]): Promise<void> {
    const { changed, gone } = this.#declared.replace(regions, this.#clock.now())
    for (const region of changed) this.#tell({ kind: 'declared', region })
    for (const region of gone) if (!this.#knows(region)) this.#tell({ kind: 'removed', region })
  }

  declared(): readonly Region[] {
    return this.#declared.regions()
  }

  async register(region: Region, { ifRevision }: { readonly ifRevision?: number } = {}): Promise<Registration> {
    const { id } = region
    const known = this.#registered.get(id)
    const found = known?.revision ?? 0
    if (ifRevision !== undefined && ifRevision !== found) throw regionChanged(id, ifRevision, found)
    known?.cancelLapse()
    const now = this.#clock.now()
    const epoch = ++this.#lastEpoch
    const same = known !== undefined && isDeepStrictEqual(known.region, region)
    const revision = same ? known.revision : epoch
    this.#registered.set(id, {
      region: same ? known.region : region,
      registeredAt: now,
      epoch,
      revision,
      expiresAt: now + this.#leaseMs,
      cancelLapse: this.#watchLease(id),
    })
    this.#tell({ kind: same && now < known.expiresAt ? 'reported' : 'registered', region: id })
    return { epoch, leaseMs: this.#leaseMs, revision }
  }

  async heartbeat(id: string, report: LoadReport): Promise<void> {
    const known = this.#registered.get(id)
    if (known === undefined) throw neverRegistered(id)
    refuseOutdated(id, report, known)
    known.cancelLapse()
    const now = this.#clock.now()
    const lapsed = now >= known.expiresAt
    const before = known.load
    known.load = { ...report, receivedAt: now }
    known.expiresAt = now + this.#leaseMs
    known.cancelLapse = this.#watchLease(id)
    this.#tell({ kind: lapsed ? 'renewed' : 'reported', region: id })
    if (before !== undefined && reportsOtherCapacity(before, report)) this.#tell({ kind: 'capacity', region: id })
  }

  async drain(id: string, by: string, reason: string): Promise<void> {
    this.#requireKnown(id)
    this.#drains.set(id, { by, at: this.#clock.now(), reason })
    this.#tell({ kind: 'draining', region: id })
  }

  async undrain(id: string): Promise<void> {
    if (!this.#drains.has(id)) this.#requireKnown(id)
    if (this.#drains.delete(id)) this.#tell({ kind: 'undrained', region: id })
  }

  async remove(id: string): Promise<void> {
    this.#requireKnown(id)
    const registered = this.#registered.get(id)
    if (registered === undefined) throw onlyDeclared(id)
    registered.cancelLapse()
    this.#registered.delete(id)
    if (!this.#declared.has(id)) this.#drains.delete(id)
    this.#tell({ kind: this.#declared.has(id) ? 'declared' : 'removed', region: id })
  }

  async setMode(mode: FleetMode, by: string): Promise<void> {
    if (mode === this.#mode) return
    this.#mode = mode
    this.#tell({ kind: 'mode', mode, by })
  }

  async read(): Promise<FleetState> {
    const ids = [...new Set([...this.#declared.ids(), ...this.#registered.keys()])].sort()
    const { tolls, isLeading } = this.exchange
    const stray = new Map([...this.#drains].filter(([id]) => !this.#knows(id)))
    return {
      now: this.#clock.now(),
      mode: this.#mode,
      ...(tolls !== undefined && { tolls }),
      ...(isLeading && { leader: this.#router }),
      records: ids.map(id => this.#record(id)),
      ...(stray.size > 0 && { strayDrains: stray }),
    }
  }

  watch(listener: (event: FleetEvent) => void): () => void {
    return this.#watchers.add(listener)
  }

  async close(): Promise<void> {
    this.#watchers.clear()
    for (const registered of this.#registered.values()) registered.cancelLapse()
  }

  #record(id: string): FleetRecord {
    const drain = this.#drains.get(id)
    const drained = drain === undefined ? {} : { drain }
    const registered = this.#registered.get(id)
    if (registered === undefined) {
      const { region, declaredAt } = this.#declared.get(id)!
      return { region, source: 'file', revision: 0, registeredAt: declaredAt, ...drained }
    }
    const { region, revision, registeredAt, epoch, expiresAt, load } = registered
    const reported = load === undefined ? {} : { load }
    return {
      region,
      source: 'registered',
      revision,
      registeredAt,
      lease: { epoch, expiresAt },
      ...drained,
      ...reported,
    }
  }

  /** Tells of the lapse one lease from now; the function returned calls that off. */
  #watchLease(id: string, delayMs = this.#leaseMs): () => void {
    let cancel = this.#clock.after(delayMs, () => {
      // A timer may fire a moment early; a lapse that is told must be true for whoever then reads.
      const leftMs = this.#registered.get(id)!.expiresAt - this.#clock.now()
      if (leftMs > 0) cancel = this.#watchLease(id, leftMs)
      else this.#tell({ kind: 'lapsed', region: id })
    })
    return () => cancel()
  }

  #knows(id: string): boolean {
    return this.#declared.has(id) || this.#registered.has(id)
  }

  #requireKnown(id: string): void {
    if (!this.#knows(id)) throw unknownRegion(id)
  }

  #tell(event: FleetEvent): void {
    this.#watchers.tell(event)
  }
}

/** Only reports of the present life count, and only newer ones: networks reorder, and old processes linger. */
function refuseOutdated(id: string, report: LoadReport, known: Registered): void {
  if (report.epoch !== known.epoch) throw reportOfOtherEpoch(id, report.epoch, known.epoch)
  if (known.load !== undefined && report.sequence <= known.load.sequence) {
    throw reportRepeated(id, report.sequence, known.load.sequence)
  }
}
