/**
 * One router of a fleet leads: it makes the tolls for all, from what all are asked for. Each of them stands ready to take over
 * when the one that leads falls silent. A router that has its fleet for itself always leads.
 */

import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { logged } from '../errors.ts'
import type { FleetExchange } from '../regions/exchange.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import type { LiveRouter } from '../routing/router.ts'
import { TollController } from '../routing/tolls/toll-controller.ts'
import { repeat } from './system-clock.ts'

export interface LeadTollsOptions {
  readonly exchange: Pick<FleetExchange, 'demands' | 'lead' | 'setTolls' | 'leave'>
  readonly router: Pick<LiveRouter, 'sums' | 'stepTolls'>
  /** With the tolls that hold now: whoever takes over goes on from them. */
  readonly currentSnapshot: () => Snapshot
  readonly clock: Clock
  readonly tollsEveryMs: number
  /** How long the lead lasts unless it is kept, ms; kept three times as often. Absent: 3 s. */
  readonly leadMs?: number
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** Called when this router takes the lead or loses it. Must not throw. */
  readonly onLead: (isLeading: boolean) => void
}

/** With a third of it until somebody looks again, a router that dies is replaced within 4 s. */
const usualLeadMs = 3_000

/** Stands ready at once; the function returned lets go of the lead. */
export function startLeading(options: LeadTollsOptions): () => Promise<void> {
  const { clock, tollsEveryMs, leadMs = usualLeadMs } = options
  const lead = new TollLead(options, leadMs)
  let underWay = lead.renew()
  const inTurn = (action: () => Promise<void>) => (): Promise<void> => {
    underWay = underWay.then(action)
    return underWay
  }
  const stops = [
    repeat(
      clock,
      leadMs / 3,
      inTurn(() => lead.renew()),
    ),
    repeat(
      clock,
      tollsEveryMs,
      inTurn(() => lead.step()),
    ),
  ]
  return async () => {
    for (const stop of stops) stop()
    await underWay
    await lead.leave()
  }
}

class TollLead {
  readonly #options: LeadTollsOptions
  readonly #leadMs: number
  #controller = new TollController()
  #term: number | undefined
  /** On this machine's clock, reckoned from before the store was asked: later than here, nobody else leads yet. */
  #until = Number.NEGATIVE_INFINITY
  #isLeading = false
  #isFailing = false

  constructor(options: LeadTollsOptions, leadMs: number) {
    this.#options = options
    this.#leadMs = leadMs
  }

  async renew(): Promise<void> {
    const { exchange, clock } = this.#options
    const askedAt = clock.now()
    await this.#attempt(async () => {
      const term = await exchange.lead(this.#leadMs)
      this.#until = term === undefined ? Number.NEGATIVE_INFINITY : askedAt + this.#leadMs
      if (term === undefined || term === this.#term) return
      this.#takeOver(term)
      await this.step()
    })
    this.#tell()
  }

  async step(): Promise<void> {
    const { exchange, router, clock } = this.#options
    if (!this.#tell()) return
    await this.#attempt(async () => {
      const others = await exchange.demands()
      const now = clock.now()
      const tolls = router.stepTolls(this.#controller, [router.sums(now), ...others], now)
      if (!(await exchange.setTolls(this.#term!, tolls))) this.#until = Number.NEGATIVE_INFINITY
    })
    this.#tell()
  }

  async leave(): Promise<void> {
    await this.#options.exchange.leave().catch(() => {})
    this.#until = Number.NEGATIVE_INFINITY
    this.#tell()
  }

  #takeOver(term: number): void {
    const { log, currentSnapshot } = this.#options
    this.#term = term
    this.#controller = new TollController()
    this.#controller.resume(new Map(currentSnapshot().regions.map(({ region, tollMs }) => [region.id, tollMs])))
    log.info({ term }, 'this router sets the tolls of the fleet')
  }

  /** Whether this router leads; told when that changes. */
  #tell(): boolean {
    const { clock, onLead } = this.#options
    const isLeading = clock.now() < this.#until
    if (isLeading !== this.#isLeading) onLead(isLeading)
    this.#isLeading = isLeading
    return isLeading
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action()
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) this.#options.log.warn(logged(error), 'tolls stay as they are, and lose their weight')
      this.#isFailing = true
    }
  }
}
