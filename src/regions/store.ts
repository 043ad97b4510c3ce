/**
 * The interface of whatever remembers the fleet: the embedded memory store, or Redis. One contract test holds for all.
 *
 * Every method that writes or reads a shared store throws MeridianError STORE_UNAVAILABLE when that cannot be reached in
 * time: the write was then not confirmed, and nobody pretends that it was.
 */

import type { AuditLog } from './audit-log.ts'
import type { FleetExchange } from './exchange.ts'
import type { LoadReport, ReceivedLoadReport } from './load-report.ts'
import type { Region } from './region.ts'
import type { RouterPresence } from './router-presence.ts'
import type { TokenStore } from './token-store.ts'
import type { FleetTolls } from './tolls.ts'

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
  /** Changes with every change of the registered specification and never returns; 0 for what only a file declares. */
  readonly revision: number
  readonly registeredAt: number
  readonly lease?: Lease
  readonly drain?: Drain
  readonly load?: ReceivedLoadReport
}

/**
 * The operator's brake on a whole fleet. `frozen`: conditions and loads stay as they are, only drains are followed.
 * `distance-only`: loads, tolls and barriers are left out of every decision.
 */
export const fleetModes = ['auto', 'frozen', 'distance-only'] as const
export type FleetMode = (typeof fleetModes)[number]

export interface FleetState {
  /** The store's own time of this reading, ms: every age is taken against it. */
  readonly now: number
  readonly mode: FleetMode
  /** Of a shared store: another one after it has lost everything that was registered. */
  readonly incarnation?: string
  /** Of a shared store that can be read: why it took no registrations and heartbeats when last tried; absent: it takes them. */
  readonly writeFault?: string
  /** Of a shared store: that it may throw away what it holds, and the mend; absent: it keeps it. */
  readonly evictionFault?: string
  /** Of a shared store: the other routers of the fleet. */
  readonly routers?: readonly RouterPresence[]
  /** As set last; absent: never, or too long ago to matter. */
  readonly tolls?: FleetTolls
  /** `router.id` of the router that sets them; absent: none does at this moment. */
  readonly leader?: string
  /** Ordered by region id. */
  readonly records: readonly FleetRecord[]
  /** Drains that have outlived their region, by its id: it is not registered, and no file of this router declares it. */
  readonly strayDrains?: ReadonlyMap<string, Drain>
}

export interface Registration {
  readonly epoch: number
  readonly leaseMs: number
  readonly revision: number
}

/** What happened to one region. `capacity`: it reports another one than before, by more than a tenth. */
export interface RegionEvent {
  readonly kind:
    | 'registered'
    | 'declared'
    | 'reported'
    | 'capacity'
    | 'draining'
    | 'undrained'
    | 'removed'
    | 'lapsed'
    | 'renewed'
  readonly region: string
}

export type FleetEvent =
  | RegionEvent
  | { readonly kind: 'mode'; readonly mode: FleetMode; readonly by: string }
  /** A token was added or revoked: what was kept of `tokens.list()` is out of date. */
  | { readonly kind: 'tokens' }

export interface RegionStore {
  /**
   * Regions from files: replaces those declared before, keeps registered ones, drains and loads. A drain outlives the
   * declaration: a file that is gone for a moment does not send clients back to a region under maintenance.
   */
  declare(regions: readonly Region[]): Promise<void>
  /** Regions from files as declared last; known even while a shared store is away. */
  declared(): readonly Region[]
  /**
   * Registers or updates a region and issues a new epoch, higher than any that this store issued before for the id. Its
   * specification overlays one from a file; an earlier load report is forgotten, a drain stays.
   *
   * The same specification again, while the lease holds, is idempotent: the epoch is new all the same (whoever sent it may
   * have restarted), but the revision and the `Region` object that `read` gives stay, and watchers hear only `reported`.
   *
   * @param options.ifRevision only where the region's revision is this one, 0: where it is not registered
   * @throws MeridianError REGION_CHANGED when the revision is another; nothing has happened then
   */
  register(region: Region, options?: { readonly ifRevision?: number }): Promise<Registration>
  /**
   * Renews the lease and takes the load report.
   * @throws MeridianError REGION_UNKNOWN when it never registered, REPORT_OUTDATED when (epoch, sequence) is not newer
   * or the epoch is not the one issued last
   */
  heartbeat(id: string, report: LoadReport): Promise<void>
  /** @throws MeridianError REGION_UNKNOWN */
  drain(id: string, by: string, reason: string): Promise<void>
  /**
   * Does nothing for a region that is not drained. Also ends a drain that has outlived its region.
   * @throws MeridianError REGION_UNKNOWN
   */
  undrain(id: string): Promise<void>
  /**
   * Withdraws a registration. A region that a file declares too falls back to the file (event `declared`) and stays drained
   * if it was; any other is forgotten with its drain (event `removed`).
   * @throws MeridianError REGION_UNKNOWN; REGION_INVALID for a region that only a file declares: only the file can remove it
   */
  remove(id: string): Promise<void>
  /** Sets the mode of the whole fleet; it stays until it is set again. The mode that already is, is no change. */
  setMode(mode: FleetMode, by: string): Promise<void>
  readonly tokens: TokenStore
  readonly audit: AuditLog
  /** Where routers tell each other of their traffic, and one of them sets tolls. */
  readonly exchange: FleetExchange
  /** Regions whose specification has not changed are the same objects as in the reading before. */
  read(): Promise<FleetState>
  /**
   * Calls back after every change (and once a lease has lapsed); returns how to stop that. A listener must not throw.
   * Declaring a region again unchanged is no change. Of a shared store, `reported` is heard only where the report arrived.
   */
  watch(listener: (event: FleetEvent) => void): () => void
  close(): Promise<void>
}
