/**
 * Tells when leases of a shared store lapse, as it happens and not when somebody next looks.
 *
 * Knows when each lease ends by this machine's clock, as of the last reading. When the earliest is due it asks for another
 * reading: another router may have heard of the region meanwhile, and a store that does not answer lapses nothing.
 */

import type { Clock } from '../clock.ts'
import type { Lease } from './store.ts'

export interface LapseWatchOptions {
  /** A lease seems to have ended: read the store, and `follow`. */
  readonly onDue: () => void
  readonly onLapse: (regionId: string) => void
}

/** A timer may fire a moment early, and Redis counts in whole milliseconds. */
const marginMs = 2

export class LapseWatch {
  readonly #clock: Clock
  readonly #options: LapseWatchOptions
  /** When leases that hold will end, on this machine's clock. */
  #ends = new Map<string, number>()
  #lapsed = new Set<string>()
  #cancel = (): void => {}
  #dueAt = Number.POSITIVE_INFINITY
  #closed = false

  constructor(clock: Clock, options: LapseWatchOptions) {
    this.#clock = clock
    this.#options = options
  }

  /** @param storeNow the store's time of this reading, ms */
  follow(regions: ReadonlyMap<string, { readonly lease: Lease }>, storeNow: number): void {
    const before = this.#lapsed
    const now = this.#clock.now()
    this.#lapsed = new Set()
    this.#ends = new Map()
    for (const [id, { lease }] of regions) {
      if (lease.expiresAt > storeNow) this.#ends.set(id, now + lease.expiresAt - storeNow)
      else this.#lapsed.add(id)
    }
    this.#schedule()
    for (const id of this.#lapsed) if (!before.has(id)) this.#options.onLapse(id)
  }

  /** A lease was taken or renewed here. */
  renew(id: string, leaseMs: number): void {
    this.#lapsed.delete(id)
    this.#ends.set(id, this.#clock.now() + leaseMs)
    if (this.#dueAt === Number.POSITIVE_INFINITY) this.#schedule()
  }

  close(): void {
    this.#closed = true
    this.#cancel()
  }

  #schedule(): void {
    this.#cancel()
    this.#dueAt = Math.min(...this.#ends.values())
    if (this.#closed || this.#dueAt === Number.POSITIVE_INFINITY) return
    this.#cancel = this.#clock.after(Math.max(0, this.#dueAt - this.#clock.now()) + marginMs, () => {
      this.#dueAt = Number.POSITIVE_INFINITY
      this.#options.onDue()
    })
  }
}
