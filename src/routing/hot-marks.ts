/**
 * Regions that have answered 429, or 503 with Retry-After: they ask to be left alone for a while, by whoever wants the same
 * capability.
 *
 * They are believed, but not at once: to move a region's whole load elsewhere is how cascades start. The share of clients
 * that is turned away follows the share of requests that the region refused, as in client-side throttling (Site Reliability
 * Engineering, chapter 21: `(asked − K·accepted)/(asked + …)`), so that a client over its own quota moves nobody else. Who is
 * turned away depends on the client's key alone: a share that grows moves more clients, never others.
 */

import { hashWords } from './pick.ts'

/** Between the shortest and the longest wait a region is believed to want, ms. */
const leastWaitMs = 1_000
const mostWaitMs = 60_000
/** How many refusals a region is forgiven: at 1.25, one request in five. */
const tolerance = 1.25
/** Requests that have to be seen before half of a region that refuses all of them is turned away. */
const doubt = 4
/** Over how long requests are counted, and clients brought back once a mark is over, ms. */
const countingMs = 10_000
const returnMs = 5_000

export interface HotMark {
  /** Share of clients that are turned away, 0 to 1. */
  readonly share: number
  /** How long the region is still to be spared, ms; 0 while its clients come back. */
  readonly waitMs: number
}

interface Mark {
  until: number
  /** Requests that would have gone there, and those of them that it did not refuse; both fade. */
  asked: number
  accepted: number
  share: number
}

export class HotMarks {
  /** Marks in force: while there are none, decisions need not look. */
  count = 0
  /** By capability, then by region id: what a change of the fleet leaves as it is. */
  readonly #marks = new Map<string | undefined, Map<string, Mark>>()
  #now = 0

  /** A request that nobody has turned away goes there; it counts as accepted until it is refused. */
  noteSent(region: string, capability: string | undefined): void {
    const mark = this.#find(region, capability)
    if (mark === undefined) return
    mark.asked++
    mark.accepted++
    this.#weigh(mark)
  }

  /** A request would have gone there, and was turned away. */
  noteTurnedAway(region: string, capability: string | undefined): void {
    const mark = this.#find(region, capability)
    if (mark === undefined) return
    mark.asked++
    this.#weigh(mark)
  }

  /** A request that was sent there was refused. @param waitMs how long the region wants to be left alone */
  noteRefusal(region: string, capability: string | undefined, waitMs: number): void {
    let mark = this.#find(region, capability)
    if (mark === undefined) {
      // The request that brings it was sent before anybody counted.
      mark = { until: this.#now, asked: 1, accepted: 1, share: 0 }
      const marks = this.#marks.get(capability) ?? new Map<string, Mark>()
      marks.set(region, mark)
      this.#marks.set(capability, marks)
      this.count++
    }
    mark.accepted = Math.max(0, mark.accepted - 1)
    mark.until = Math.max(mark.until, this.#now + Math.min(mostWaitMs, Math.max(leastWaitMs, waitMs)))
    this.#weigh(mark)
  }

  /** Is this client one of those that are turned away? @param seed hash of the region's id */
  turnsAway(region: string, capability: string | undefined, seed: number, key: number): boolean {
    const mark = this.#find(region, capability)
    return mark !== undefined && (hashWords(key, seed) >>> 0) / 2 ** 32 < mark.share
  }

  /** undefined: it is not hot. */
  markOf(region: string, capability: string | undefined): HotMark | undefined {
    const mark = this.#find(region, capability)
    return mark && { share: mark.share, waitMs: Math.max(0, mark.until - this.#now) }
  }

  /** Lets time pass: counts fade, clients come back, and a mark that turns nobody away any more is forgotten. */
  advance(now: number): void {
    const kept = Math.exp(-Math.max(0, now - this.#now) / countingMs)
    this.#now = now
    for (const [capability, marks] of this.#marks) {
      for (const [region, mark] of marks) {
        mark.asked *= kept
        mark.accepted *= kept
        this.#weigh(mark)
        if (now < mark.until + returnMs) continue
        marks.delete(region)
        this.count--
      }
      if (marks.size === 0) this.#marks.delete(capability)
    }
  }

  #find(region: string, capability: string | undefined): Mark | undefined {
    return this.count === 0 ? undefined : this.#marks.get(capability)?.get(region)
  }

  #weigh(mark: Mark): void {
    const refused = Math.max(0, (mark.asked - tolerance * mark.accepted) / (mark.asked + doubt))
    const left = Math.min(1, Math.max(0, 1 - (this.#now - mark.until) / returnMs))
    mark.share = refused * left
  }
}
