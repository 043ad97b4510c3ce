/** Events to come, the earliest first; of those at one time, the one that was added first. A binary heap on flat arrays. */

import { grown } from './grown.ts'

export class EventQueue {
  #times = new Float64Array(1024)
  #orders = new Float64Array(1024)
  #kinds = new Uint8Array(1024)
  #subjects = new Int32Array(1024)
  #size = 0
  #added = 0
  /** Of the event that `pop` has taken. */
  time = 0
  kind = 0
  subject = 0

  get size(): number {
    return this.#size
  }

  /** Of the event that `pop` would take; infinite when there is none. */
  get nextTime(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!
  }

  /** @param subject whatever the kind of event means by it: a request, a region, a router */
  push(time: number, kind: number, subject: number): void {
    if (this.#size === this.#times.length) this.#grow()
    const order = this.#added++
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#times[parent]! < time || (this.#times[parent] === time && this.#orders[parent]! < order)) break
      this.#move(parent, at)
      at = parent
    }
    this.#put(at, time, order, kind, subject)
  }

  /** Takes the next event into `time`, `kind` and `subject`; false when there is none. */
  pop(): boolean {
    if (this.#size === 0) return false
    this.time = this.#times[0]!
    this.kind = this.#kinds[0]!
    this.subject = this.#subjects[0]!
    const last = --this.#size
    if (last > 0) this.#sink(last)
    return true
  }

  /** Puts the event at `last` where it belongs, from the top. */
  #sink(last: number): void {
    const time = this.#times[last]!
    const order = this.#orders[last]!
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= last) break
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++
      if (time < this.#times[child]! || (time === this.#times[child] && order < this.#orders[child]!)) break
      this.#move(child, at)
      at = child
    }
    this.#put(at, time, order, this.#kinds[last]!, this.#subjects[last]!)
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#times[a]!, this.#times[b]!]
    return first < second || (first === second && this.#orders[a]! < this.#orders[b]!)
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from]!, this.#orders[from]!, this.#kinds[from]!, this.#subjects[from]!)
  }

  #put(at: number, time: number, order: number, kind: number, subject: number): void {
    this.#times[at] = time
    this.#orders[at] = order
    this.#kinds[at] = kind
    this.#subjects[at] = subject
  }

  #grow(): void {
    const size = this.#times.length * 2
    this.#times = grown(this.#times, new Float64Array(size))
    this.#orders = grown(this.#orders, new Float64Array(size))
    this.#kinds = grown(this.#kinds, new Uint8Array(size))
    this.#subjects = grown(this.#subjects, new Int32Array(size))
  }
}
