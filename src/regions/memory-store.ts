/**
 * The embedded store: remembers the fleet in this process, for one router without Redis.
 *
 * Every lease is watched with a timer of the given clock, so that a lapse is told as it happens and not when somebody
 * next looks. Knows nothing of probes or of what a lapsed lease means to a client.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../clock.ts'
import { MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'
import type { LoadReport, ReceivedLoadReport } from './load-report.ts'
import type { Region } from './region.ts'
import type { Drain, FleetEvent, FleetRecord, FleetState, RegionStore, Registration } from './store.ts'

export interface MemoryStoreOptions {
  readonly clock: Clock
  /** How long a registration is believed without a heartbeat. */
  readonly leaseMs: number
}

interface Declared {
  readonly region: Region
  readonly declaredAt: number
}

interface Registered {
  readonly region: Region
  readonly registeredAt: number
  readonly epoch: number
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
  readonly #declared = new Map<string, Declared>()
  readonly #registered = new Map<string, Registered>()
  readonly #drains = new Map<string, Drain>()
  readonly #listeners = new Set<(event: FleetEvent) => void>()
  /** One counter for the whole fleet: epochs also rise over a removal, and no report of a previous life fits again. */
  #lastEpoch = 0

  constructor({ clock, leaseMs }: MemoryStoreOptions) {
    this.#clock = clock
    this.#leaseMs = leaseMs
  }

  async declare(regions: readonly Region[]): Promise<void> {
    const before = new Map(this.#declared)
    const changed: string[] = []
    this.#declared.clear()
    for (const region of regions) {
      const known = before.get(region.id)
      const same = known !== undefined && isDeepStrictEqual(known.region, region)
      if (!same) changed.push(region.id)
      this.#declared.set(region.id, { region, declaredAt: known?.declaredAt ?? this.#clock.now() })
    }
    for (const id of changed) this.#tell('declared', id)
    for (const id of before.keys()) if (!this.#knows(id)) this.#tell('removed', id)
  }

  async register(region: Region): Promise<Registration> {
    this.#registered.get(region.id)?.cancelLapse()
    const now = this.#clock.now()
    const epoch = ++this.#lastEpoch
    this.#registered.set(region.id, {
      region,
      registeredAt: now,
      epoch,
      expiresAt: now + this.#leaseMs,
      cancelLapse: this.#watchLease(region.id),
    })
    this.#tell('registered', region.id)
    return { epoch, leaseMs: this.#leaseMs }
  }

  async heartbeat(id: string, report: LoadReport): Promise<void> {
    const known = this.#registered.get(id)
    if (known === undefined) throw unknownRegion(id, 'it has to register before it sends heartbeats')
    refuseOutdated(id, report, known)
    known.cancelLapse()
    const now = this.#clock.now()
    const lapsed = now >= known.expiresAt
    known.load = { ...report, receivedAt: now }
    known.expiresAt = now + this.#leaseMs
    known.cancelLapse = this.#watchLease(id)
    this.#tell(lapsed ? 'renewed' : 'reported', id)
  }

  async drain(id: string, by: string, reason: string): Promise<void> {
    this.#requireKnown(id)
    this.#drains.set(id, { by, at: this.#clock.now(), reason })
    this.#tell('draining', id)
  }

  async undrain(id: string): Promise<void> {
    this.#requireKnown(id)
    if (this.#drains.delete(id)) this.#tell('undrained', id)
  }

  async remove(id: string): Promise<void> {
    this.#requireKnown(id)
    const registered = this.#registered.get(id)
    if (registered === undefined) {
      throw new MeridianError('REGION_INVALID', `region ${shown(id)} is declared in a file: remove it from there`)
    }
    registered.cancelLapse()
    this.#registered.delete(id)
    if (!this.#declared.has(id)) this.#drains.delete(id)
    this.#tell(this.#declared.has(id) ? 'declared' : 'removed', id)
  }

  async read(): Promise<FleetState> {
    const ids = [...new Set([...this.#declared.keys(), ...this.#registered.keys()])].sort()
    return { now: this.#clock.now(), records: ids.map(id => this.#record(id)) }
  }

  watch(listener: (event: FleetEvent) => void): () => void {
    // Wrapped, so that a function that watches twice is called twice and stops one watch at a time.
    const own = (event: FleetEvent) => listener(event)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
    for (const registered of this.#registered.values()) registered.cancelLapse()
  }

  #record(id: string): FleetRecord {
    const drain = this.#drains.get(id)
    const drained = drain === undefined ? {} : { drain }
    const registered = this.#registered.get(id)
    if (registered === undefined) {
      const { region, declaredAt } = this.#declared.get(id)!
      return { region, source: 'file', registeredAt: declaredAt, ...drained }
    }
    const { region, registeredAt, epoch, expiresAt, load } = registered
    const reported = load === undefined ? {} : { load }
    return { region, source: 'registered', registeredAt, lease: { epoch, expiresAt }, ...drained, ...reported }
  }

  /** Tells of the lapse one lease from now; the function returned calls that off. */
  #watchLease(id: string, delayMs = this.#leaseMs): () => void {
    let cancel = this.#clock.after(delayMs, () => {
      // A timer may fire a moment early; a lapse that is told must be true for whoever then reads.
      const leftMs = this.#registered.get(id)!.expiresAt - this.#clock.now()
      if (leftMs > 0) cancel = this.#watchLease(id, leftMs)
      else this.#tell('lapsed', id)
    })
    return () => cancel()
  }

  #knows(id: string): boolean {
    return this.#declared.has(id) || this.#registered.has(id)
  }

  #requireKnown(id: string): void {
    if (!this.#knows(id)) throw unknownRegion(id, 'it is neither declared in a file nor registered')
  }

  #tell(kind: FleetEvent['kind'], region: string): void {
    for (const listener of [...this.#listeners]) listener({ kind, region })
  }
}

function unknownRegion(id: string, why: string): MeridianError {
  return new MeridianError('REGION_UNKNOWN', `region ${shown(id)} is not known: ${why}`)
}

/** Only reports of the present life count, and only newer ones: networks reorder, and old processes linger. */
function refuseOutdated(id: string, report: LoadReport, known: Registered): void {
  if (report.epoch !== known.epoch) {
    throw new MeridianError(
      'REPORT_OUTDATED',
      `region ${shown(id)} reports for epoch ${report.epoch}, but its epoch is ${known.epoch}: register again`,
    )
  }
  if (known.load !== undefined && report.sequence <= known.load.sequence) {
    throw new MeridianError(
      'REPORT_OUTDATED',
      `report ${report.sequence} of region ${shown(id)} is not newer than report ${known.load.sequence}, which has arrived`,
    )
  }
}
