/**
 * The interface of whatever remembers the fleet: the embedded memory store, or Redis. One contract test holds for all.
 */

import type { LoadReport, ReceivedLoadReport } from './load-report.ts'
import type { Region } from './region.ts'

export interface Drain {
  readonly by: string
  /** Milliseconds on the store's clock. */
  readonly at: number
  readonly reason: string
}

/** How long a registration is believed; absent on regions from files that never registered. */
export interface Lease {
  readonly epoch: number
  /** Milliseconds on the store's clock. */
  readonly expiresAt: number
}

export interface FleetRecord {
  readonly region: Region
  readonly source: 'file' | 'registered'
  readonly registeredAt: number
  readonly lease?: Lease
  readonly drain?: Drain
  readonly load?: ReceivedLoadReport
}

export interface FleetState {
  /** The store's own time of this reading, ms: every age is taken against it. */
  readonly now: number
  /** Ordered by region id. */
  readonly records: readonly FleetRecord[]
}

export interface Registration {
  readonly epoch: number
  readonly leaseMs: number
}

export type FleetEvent = {
  readonly kind: 'registered' | 'declared' | 'reported' | 'draining' | 'undrained' | 'removed' | 'lapsed' | 'renewed'
  readonly region: string
}

export interface RegionStore {
  /**
   * Regions from files: replaces those declared before, keeps registered ones, drains and loads. A drain outlives the
   * declaration: a file that is gone for a moment does not send clients back to a region under maintenance.
   */
  declare(regions: readonly Region[]): Promise<void>
  /**
   * Registers or updates a region and issues a new epoch, higher than any that this store issued before for the id. Its
   * specification overlays one from a file; an earlier load report is forgotten, a drain stays.
   */
  register(region: Region): Promise<Registration>
  /**
   * Renews the lease and takes the load report.
   * @throws MeridianError REGION_UNKNOWN when it never registered, REPORT_OUTDATED when (epoch, sequence) is not newer
   * or the epoch is not the one issued last
   */
  heartbeat(id: string, report: LoadReport): Promise<void>
  /** @throws MeridianError REGION_UNKNOWN */
  drain(id: string, by: string, reason: string): Promise<void>
  /** Does nothing for a region that is not drained. @throws MeridianError REGION_UNKNOWN */
  undrain(id: string): Promise<void>
  /**
   * Withdraws a registration. A region that a file declares too falls back to the file (event `declared`) and stays drained
   * if it was; any other is forgotten with its drain (event `removed`).
   * @throws MeridianError REGION_UNKNOWN; REGION_INVALID for a region that only a file declares: only the file can remove it
   */
  remove(id: string): Promise<void>
  read(): Promise<FleetState>
  /**
   * Calls back after every change (and once a lease has lapsed); returns how to stop that. A listener must not throw.
   * Declaring a region again unchanged is no change.
   */
  watch(listener: (event: FleetEvent) => void): () => void
  close(): Promise<void>
}
