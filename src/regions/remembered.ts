/**
 * What only operators know, and what a Redis that comes back empty gets back from those who remember it: routers that run,
 * and routers that start again from what they kept on disk.
 */

import type { FleetMode } from './store.ts'

export interface Remembered {
  /** Of the Redis that it was read from: nothing is put back while that one lives. */
  readonly incarnation: string
  /** When it was read, by the clock of that Redis, ms: of several memories the latest knows best. */
  readonly at: number
  readonly mode: FleetMode
  /** Ids and values in turn, as they stand in Redis. */
  readonly drains: readonly string[]
  /** Ids and values in turn, as they stand in Redis: hashes, never what would let anybody in. */
  readonly tokens: readonly string[]
}
