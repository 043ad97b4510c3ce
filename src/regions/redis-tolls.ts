/**
 * Tolls and lead as they stand in Redis, at every reading: what is older than what was known is passed over, and what a Redis
 * has lost is still known here, and ages.
 */

import type { Clock } from '../clock.ts'
import { shown } from '../schema.ts'
import { type FleetTolls, parseTolls, tollsHeldMs } from './tolls.ts'

interface KnownTolls {
  readonly text: string
  readonly tolls: FleetTolls
  /** When they were first read, on this machine's clock, and how old they were then, ms. */
  readonly heardAt: number
  readonly ageThenMs: number
}

export interface FleetLead {
  readonly tolls?: FleetTolls
  /** `router.id` of whoever leads. */
  readonly leader?: string
}

export class RedisTolls {
  readonly #clock: Clock
  readonly #onWarning: (message: string) => void
  #known: KnownTolls | undefined
  /** The last text that was not understood: told once. */
  #wrong: string | undefined

  constructor(clock: Clock, onWarning: (message: string) => void) {
    this.#clock = clock
    this.#onWarning = onWarning
  }

  /**
   * @param text what stands in Redis; null: nothing
   * @param holder of the lead
   * @param storeNow the store's time of this reading, ms
   */
  take(text: string | null, holder: string | null, storeNow: number): FleetLead {
    if (text !== null && text !== this.#known?.text) this.#learn(text, storeNow)
    const leader = holder === null ? undefined : leaderOf(holder)
    return { ...this.#told(storeNow), ...(leader !== undefined && { leader }) }
  }

  #learn(text: string, storeNow: number): void {
    const tolls = this.#parse(text)
    if (tolls === undefined) return
    const known = this.#known
    // A replica that took over may have lost the last change of the lead. But nobody is believed for ever.
    if (known !== undefined && tolls.term < known.tolls.term && this.#ageMs(known) < tollsHeldMs) return
    const ageThenMs = Math.max(0, storeNow - tolls.setAt)
    this.#known = { text, tolls, heardAt: this.#clock.now(), ageThenMs }
  }

  /** Their time is told anew: a Redis that comes back may have another clock. */
  #told(storeNow: number): { readonly tolls?: FleetTolls } {
    const known = this.#known
    return known === undefined ? {} : { tolls: { ...known.tolls, setAt: storeNow - this.#ageMs(known) } }
  }

  #ageMs({ heardAt, ageThenMs }: KnownTolls): number {
    return ageThenMs + this.#clock.now() - heardAt
  }

  #parse(text: string): FleetTolls | undefined {
    try {
      const tolls = parseTolls(text)
      this.#wrong = undefined
      return tolls
    } catch (error) {
      if (this.#wrong !== text) this.#onWarning(`the tolls in Redis are left out: ${(error as Error).message}`)
      this.#wrong = text
      return undefined
    }
  }
}

/** A router's name is its id and what tells it from another of this id. */
function leaderOf(holder: string): string {
  const id = holder.slice(0, Math.max(0, holder.lastIndexOf(':')))
  return /^[A-Za-z0-9._-]{1,63}$/.test(id) ? id : shown(holder)
}
