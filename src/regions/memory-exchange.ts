/** The exchange of a router that has its fleet for itself: it hears nobody, and always leads. */

import type { Clock } from '../clock.ts'
import type { FleetExchange } from './exchange.ts'
import type { FleetTolls } from './tolls.ts'

/** Nobody else can ever lead. */
const onlyTerm = 1

export class MemoryExchange implements FleetExchange {
  readonly #clock: Clock
  #isLeading = false
  #tolls: FleetTolls | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isLeading(): boolean {
    return this.#isLeading
  }

  get tolls(): FleetTolls | undefined {
    return this.#tolls
  }

  async share(): Promise<readonly []> {
    return []
  }

  async demands(): Promise<readonly []> {
    return []
  }

  async lead(): Promise<number> {
    this.#isLeading = true
    return onlyTerm
  }

  async setTolls(term: number, byRegion: ReadonlyMap<string, number>): Promise<boolean> {
    if (!this.#isLeading || term !== onlyTerm) return false
    this.#tolls = { byRegion: new Map(byRegion), term, setAt: this.#clock.now() }
    return true
  }

  async leave(): Promise<void> {
    this.#isLeading = false
  }
}
