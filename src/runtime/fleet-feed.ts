/**
 * From what the store remembers and the probes see to the snapshot that decisions are made from.
 *
 * A new snapshot comes with every change and at least once an interval. When the store fails, the fleet as it was last known
 * serves on: probes, region files and the operator's brake still count, and no lease lapses.
 */

import type { Clock } from '../clock.ts'
import type { KnownFleet } from '../control/fleet-reading.ts'
import type { Prober } from '../health/prober.ts'
import { judge } from '../health/verdict.ts'
import { buildSnapshot, freezeSnapshot } from '../regions/build-snapshot.ts'
import { withDeclared } from '../regions/declared-records.ts'
import type { GuardedFleet, LeaseGuard } from '../regions/lease-guard.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import type { FleetState, RegionStore } from '../regions/store.ts'
import { ServiceTimes } from '../routing/service-time.ts'
import { repeat } from './system-clock.ts'

export interface FleetFeedOptions {
  readonly store: RegionStore
  readonly guard: LeaseGuard
  /** Absent: regions are not probed. */
  readonly prober: Prober | undefined
  readonly clock: Clock
  readonly everyMs: number
  /** Called with every new snapshot, the one before it beside it. Must not throw. */
  readonly onSnapshot: (snapshot: Snapshot, previous: Snapshot) => void
  /** Called with every reading of the store. Must not throw. */
  readonly onReading?: (fleet: FleetState) => void
  /** Called with every fleet, read or last known, before anything is made of it. Must not throw. */
  readonly onFleet?: (fleet: FleetState) => void
  /** Called when the share of the capacity that fell silent together changes; 0: it is over. */
  readonly onSilence?: (share: number) => void
  /** The store could not be read. Also called for readings that nobody waits for. */
  readonly onFault: (error: unknown) => void
}

export interface FleetFeed {
  readonly snapshot: Snapshot
  /** What it was made from; undefined as long as nothing is known. */
  readonly known: KnownFleet | undefined
  /** Why the store could not be read the last time; undefined while it can be. */
  readonly fault: unknown
  /**
   * Resolves once a snapshot is in use that was read after this call. Rejects when the store could not be read; what was
   * known before is in use then.
   */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** Resolves with the first snapshot in use: without the store it is of what the guard assumes, or else empty. */
export async function startFleetFeed(options: FleetFeedOptions): Promise<FleetFeed> {
  const feed = new StoreFeed(options)
  await feed.refresh().catch(options.onFault)
  feed.start()
  return feed
}

class StoreFeed implements FleetFeed {
  snapshot: Snapshot = { version: 0, takenAt: 0, regions: [] }
  known: KnownFleet | undefined
  fault: unknown
  /** The last snapshot before the operator froze the fleet. */
  #frozen: Snapshot | undefined
  #silentShare = 0
  readonly #serviceTimes = new ServiceTimes()
  #readAt: number | undefined
  /** When the fleet was first used that was known before this router started, on this router's clock. */
  #assumedAt: number | undefined
  readonly #options: FleetFeedOptions
  #stops: readonly (() => void)[] = []
  #underWay: Promise<void> | undefined
  /** A reading that begins after the one under way; shared by all who ask meanwhile. */
  #next: Promise<void> | undefined

  constructor(options: FleetFeedOptions) {
    this.#options = options
  }

  start(): void {
    const { store, clock, everyMs, onFault } = this.#options
    const refresh = (): Promise<void> => this.refresh().catch(onFault)
    this.#stops = [
      store.watch(({ kind }) => {
        // Reports come by the hundred a second in a large fleet; the next interval takes them all.
        if (kind !== 'reported') void refresh()
      }),
      repeat(clock, everyMs, refresh),
    ]
  }

  refresh(): Promise<void> {
    if (this.#underWay === undefined) return this.#begin()
    this.#next ??= this.#underWay
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        return this.#begin()
      })
    return this.#next
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
    await this.#next?.catch(() => {})
    await this.#underWay?.catch(() => {})
  }

  #begin(): Promise<void> {
    this.#underWay = this.#read().finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  async #read(): Promise<void> {
    const { store, guard, clock, onReading } = this.#options
    let fleet: FleetState
    try {
      fleet = await store.read()
    } catch (error) {
      this.fault = error
      const known = guard.missStore(clock.now())
      if (known !== undefined) this.#use({ ...known, fleet: withDeclared(known.fleet, store.declared()) })
      throw error
    }
    this.fault = undefined
    this.#readAt = clock.now()
    onReading?.(fleet)
    this.#use(guard.review(fleet, this.#readAt))
  }

  #use({ fleet, excuses, silentShare }: GuardedFleet): void {
    const { prober, clock, onFleet, onSnapshot, onSilence } = this.#options
    onFleet?.(fleet)
    this.known = { fleet, readAt: this.#readAt }
    this.#assumedAt ??= clock.now()
    prober?.setTargets(fleet.records.map(record => record.region))
    this.#serviceTimes.observe(fleet.records)
    const previous = this.snapshot
    const present = buildSnapshot({
      fleet,
      judge: record => {
        const { id } = record.region
        return judge(record, prober === undefined ? 'off' : prober.stateOf(id), fleet.now, excuses.get(id))
      },
      version: previous.version + 1,
      takenAt: clock.now(),
      readAt: this.#readAt ?? this.#assumedAt,
      serviceMs: region => this.#serviceTimes.serviceMs(region),
      previous,
    })
    if (fleet.mode !== 'frozen') this.#frozen = undefined
    else this.#frozen ??= previous.version === 0 ? present : previous
    this.snapshot = this.#frozen === undefined ? present : freezeSnapshot(this.#frozen, present)
    if (silentShare !== this.#silentShare) onSilence?.(silentShare)
    this.#silentShare = silentShare
    onSnapshot(this.snapshot, previous)
  }
}
