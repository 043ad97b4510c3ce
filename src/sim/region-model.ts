/**
 * A region as it really is: slots, a queue before them with a limit, and the sum of what it would report of itself.
 *
 * Knows requests only by number, and neither clients nor routers.
 */

/** What becomes of a request on its arrival. */
export const arrival = { served: 0, queued: 1, refused: 2, dead: 3 } as const

/** The mean stay that a region reports is over about so many completions. */
const mostCompletions = 200
/** A capacity that changes by more than this part of itself is reported at once. */
const notable = 0.1

export class RegionModel {
  /** That can be used now; what it reports is `reportedSlots`. */
  slots: number
  reportedSlots: number
  busy = 0
  isUp = true
  /** Requests take this many times their time. */
  slowness = 1
  served = 0
  readonly queue = new WaitingLine()
  readonly #queueLimit: number
  #arrived = 0
  #lastSlots: number
  #lastQueued = false
  /** Mean time from arrival to completion of late, ms. */
  #stayMs = 0

  constructor(slots: number, queueLimit: number) {
    this.slots = slots
    this.reportedSlots = slots
    this.#lastSlots = slots
    this.#queueLimit = queueLimit
  }

  /** A request knocks; where it is served the slot is taken, where it is queued it stands in line. */
  admit(id: number): number {
    if (!this.isUp) return arrival.dead
    this.#arrived++
    if (this.busy < this.slots) {
      this.busy++
      return arrival.served
    }
    if (this.queue.length >= this.#queueLimit) return arrival.refused
    this.queue.add(id)
    return arrival.queued
  }

  /** A slot is free again. */
  release(): void {
    this.busy--
  }

  complete(stayMs: number): void {
    this.served++
    this.#stayMs += (stayMs - this.#stayMs) / Math.min(this.served, mostCompletions)
  }

  /** Takes the first in line into a free slot; −1 where there is none of the one or the other. */
  next(): number {
    if (!this.isUp || this.busy >= this.slots || this.queue.length === 0) return -1
    this.busy++
    return this.queue.take()
  }

  /** Dies: nobody holds a slot any more. The line is for the caller to send away. */
  die(): void {
    this.isUp = false
    this.busy = 0
  }

  /** Busy and waiting over slots; 0 where there are none. */
  get utilisation(): number {
    return this.slots === 0 ? 0 : (this.busy + this.queue.length) / this.slots
  }

  /** Has its capacity changed by more than a tenth since its last report, or have requests begun to wait? */
  get hasChanged(): boolean {
    if (Math.abs(this.reportedSlots - this.#lastSlots) > notable * this.#lastSlots) return true
    return this.queue.length > 0 && !this.#lastQueued
  }

  /** Its own word since the last time it was asked, `elapsedMs` ago. */
  report(elapsedMs: number) {
    const requestsPerSecond = (1000 * this.#arrived) / elapsedMs
    this.#arrived = 0
    this.#lastSlots = this.reportedSlots
    this.#lastQueued = this.queue.length > 0
    return {
      inflight: this.busy,
      queueDepth: this.queue.length,
      capacityRequests: this.reportedSlots,
      requestsPerSecond,
      ...(Number.isFinite(this.#queueLimit) && this.#queueLimit > 0 && { queueLimit: this.#queueLimit }),
      ...(this.served > 0 && { latencyMs: this.#stayMs }),
    }
  }
}

/** First in, first out, of request numbers. */
class WaitingLine {
  #ring = new Int32Array(64)
  #head = 0
  length = 0

  add(id: number): void {
    const size = this.#ring.length
    if (this.length === size) {
      const ring = new Int32Array(size * 2)
      for (let place = 0; place < size; place++) ring[place] = this.#ring[(this.#head + place) % size]!
      this.#ring = ring
      this.#head = 0
    }
    this.#ring[(this.#head + this.length++) % this.#ring.length] = id
  }

  take(): number {
    const id = this.#ring[this.#head]!
    this.#head = (this.#head + 1) % this.#ring.length
    this.length--
    return id
  }
}
