/**
 * From what the store remembers and the probes see to the snapshot that decisions are made from.
 *
 * A new snapshot comes with every change and at least once an interval. When the store fails, the last snapshot serves on.
 */

import type { Clock } from '../clock.ts'
import type { Prober } from '../health/prober.ts'
import { judge } from '../health/verdict.ts'
import { buildSnapshot } from '../regions/build-snapshot.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import type { RegionStore } from '../regions/store.ts'
import { repeat } from './system-clock.ts'

export interface FleetFeedOptions {
  readonly store: RegionStore
  /** Absent: regions are not probed. */
  readonly prober: Prober | undefined
  readonly clock: Clock
  readonly everyMs: number
  /** Called with every new snapshot, the one before it beside it. Must not throw. */
  readonly onSnapshot: (snapshot: Snapshot, previous: Snapshot) => void
  /** The store could not be read. */
  readonly onFault: (error: unknown) => void
}

export interface FleetFeed {
  readonly snapshot: Snapshot
  /** Resolves once a snapshot is in use that was read after this call. Rejects when the store could not be read. */
  refresh(): Promise<void>
  close(): Promise<void>
}

/** Resolves with the first snapshot in use. */
export async function startFleetFeed(options: FleetFeedOptions): Promise<FleetFeed> {
  const feed = new StoreFeed(options)
  await feed.refresh()
  feed.start()
  return feed
}

class StoreFeed implements FleetFeed {
  snapshot: Snapshot = { version: 0, takenAt: 0, regions: [] }
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
    const { store, prober, clock, onSnapshot } = this.#options
    const fleet = await store.read()
    prober?.setTargets(fleet.records.map(record => record.region))
    const previous = this.snapshot
    this.snapshot = buildSnapshot({
      fleet,
      judge: record => judge(record, prober?.stateOf(record.region.id), fleet.now),
      version: previous.version + 1,
      takenAt: clock.now(),
      previous,
    })
    onSnapshot(this.snapshot, previous)
  }
}
