/** Tells the other routers of the fleet, a few times a second, where this one's requests are, and the router where theirs are. */

import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { logged } from '../errors.ts'
import { type FleetExchange, flightsLiveMs } from '../regions/exchange.ts'
import type { FlightSums } from '../regions/router-sums.ts'
import type { LiveRouter } from '../routing/router.ts'
import { repeat } from './system-clock.ts'

export interface ShareSumsOptions {
  readonly exchange: Pick<FleetExchange, 'share'>
  readonly router: Pick<LiveRouter, 'flights' | 'missOthers' | 'sums' | 'useOthers'>
  readonly clock: Clock
  readonly everyMs: number
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Called with the number of other routers that were heard, whenever they were asked. Must not throw. */
  readonly onPeers: (count: number) => void
}

/** Long lists that only tolls are made from: as often as those are made, more or less. */
const demandEveryMs = 2_000

/** Begins at once; the function returned stops it, and resolves when nothing is under way any more. */
export function startSharing(options: ShareSumsOptions): () => Promise<void> {
  const sharing = new Sharing(options)
  let underWay = sharing.turn()
  const stop = repeat(options.clock, options.everyMs, () => {
    underWay = underWay.then(() => sharing.turn())
    return underWay
  })
  return () => {
    stop()
    return underWay
  }
}

class Sharing {
  readonly #options: ShareSumsOptions
  #heardAt = Number.NEGATIVE_INFINITY
  #demandToldAt = Number.NEGATIVE_INFINITY
  #isFailing = false

  constructor(options: ShareSumsOptions) {
    this.#options = options
  }

  async turn(): Promise<void> {
    const { exchange, router, clock } = this.#options
    const now = clock.now()
    const isDemandDue = now - this.#demandToldAt >= demandEveryMs
    const sums = isDemandDue ? router.sums(now) : undefined
    try {
      const others = await exchange.share(sums ?? router.flights(), sums)
      if (isDemandDue) this.#demandToldAt = now
      this.#heardAt = clock.now()
      this.#use(others)
      if (this.#isFailing) this.#options.log.info('the other routers can be heard again')
      this.#isFailing = false
    } catch (error) {
      this.#miss(error)
    }
  }

  /** What they said last is better than nothing, for as long as requests stay where they were. */
  #miss(error: unknown): void {
    const { log, clock } = this.#options
    if (!this.#isFailing)
      log.warn(logged(error), 'the other routers cannot be heard: what they send to regions is soon left out')
    this.#isFailing = true
    if (clock.now() - this.#heardAt < flightsLiveMs) return
    this.#options.router.missOthers()
    this.#options.onPeers(0)
  }

  #use(others: readonly FlightSums[]): void {
    const { router, onPeers } = this.#options
    router.useOthers(others)
    onPeers(others.length)
  }
}
