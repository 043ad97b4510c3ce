/** Simulated time, and what is to happen in it. */

import { EventQueue } from './event-queue.ts'

export class Schedule {
  now = 0
  /** Nothing happens later than this, ms. */
  readonly endMs: number
  readonly #queue = new EventQueue()

  constructor(endMs: number) {
    this.endMs = endMs
  }

  /** Passed over where it is after the end. */
  at(time: number, kind: number, subject: number): void {
    if (time <= this.endMs) this.#queue.push(time, kind, subject)
  }

  after(delayMs: number, kind: number, subject: number): void {
    this.at(this.now + delayMs, kind, subject)
  }

  /** Calls back for each event in its order, with `now` at its time, up to and including `until`. */
  advanceTo(until: number, happen: (kind: number, subject: number) => void): void {
    const queue = this.#queue
    const last = Math.min(until, this.endMs)
    while (queue.nextTime <= last) {
      queue.pop()
      this.now = queue.time
      happen(queue.kind, queue.subject)
    }
    this.now = Math.max(this.now, last)
  }
}
