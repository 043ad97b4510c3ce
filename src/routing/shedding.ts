/**
 * Which requests are answered 503 when every region that may serve them is full, so that those that are taken are served.
 *
 * Over the last two minutes, `max(0, (asked − 2·accepted)/(asked + 1))` of what was asked is too much (Site Reliability
 * Engineering, chapter 21), where a request is accepted if it found a region with room. That much is taken from the lowest priority
 * first. While any region has room nobody is shed. Requests that may be served by the same regions share one window, whatever
 * their rule.
 */

import { type Priority, priorities, type Rule } from '../config/rule.ts'

/** Fading this fast, what is counted is as old on average as in a plain window of two minutes. */
const fadeMs = 60_000
/** How many times what was accepted may be asked before anything is shed. */
const tolerance = 2
/** Windows kept before all are dropped: there is one for each set of regions that rules, capabilities and residency lead to. */
const mostWindows = 10_000

/** Requests of one set of regions over the last while, by priority, each faded. */
export class AdmissionWindow {
  /** By place in `priorities`. */
  readonly #asked = new Float64Array(priorities.length)
  #total = 0
  #accepted = 0

  accept(priority: Priority): void {
    this.refuse(priority)
    this.#accepted++
  }

  /** It found no room, whether it was shed or not. */
  refuse(priority: Priority): void {
    this.#asked[priorities.indexOf(priority)]!++
    this.#total++
  }

  /** Share of the requests of this priority to shed while there is no room, 0 to 1. */
  probability(priority: Priority): number {
    let excess = this.#total * Math.max(0, (this.#total - tolerance * this.#accepted) / (this.#total + 1))
    for (let place = priorities.length - 1; excess > 0; place--) {
      const asked = this.#asked[place]!
      if (priorities[place] === priority) return Math.min(1, excess / asked)
      excess -= asked
    }
    return 0
  }

  fade(kept: number): void {
    for (let place = 0; place < priorities.length; place++) this.#asked[place]! *= kept
    this.#total *= kept
    this.#accepted *= kept
  }
}

/** The windows of a router, found by what leads to a set of regions. */
export class Admissions {
  /** By the ids of the regions: what a change of the fleet leaves as it is. */
  readonly #windows = new Map<string, AdmissionWindow>()
  /** By variant; where a rule asks for residency, by country. Holds for one layout and one list of rules. */
  #found: (AdmissionWindow | Map<string | undefined, AdmissionWindow> | undefined)[] = []
  #now = 0

  /** Numbers of variants mean something else from now on. */
  forgetVariants(): void {
    this.#found = []
  }

  /**
   * @param country of the client
   * @param regionIds ids of the regions that may serve the request, in a fixed order; called when that is not known yet
   */
  windowOf(
    variant: number,
    rule: Rule,
    country: string | undefined,
    regionIds: () => readonly string[],
  ): AdmissionWindow {
    const found = this.#found[variant]
    if (found instanceof AdmissionWindow) return found
    if (rule.residency === undefined) {
      const window = this.#windowFor(regionIds())
      this.#found[variant] = window
      return window
    }
    const byCountry = found ?? new Map<string | undefined, AdmissionWindow>()
    this.#found[variant] = byCountry
    let window = byCountry.get(country)
    if (window === undefined) {
      window = this.#windowFor(regionIds())
      byCountry.set(country, window)
    }
    return window
  }

  advance(now: number): void {
    const kept = Math.exp(-Math.max(0, now - this.#now) / fadeMs)
    this.#now = now
    for (const window of this.#windows.values()) window.fade(kept)
  }

  #windowFor(regionIds: readonly string[]): AdmissionWindow {
    if (this.#windows.size >= mostWindows) {
      this.#windows.clear()
      this.#found = []
    }
    const key = regionIds.join(' ')
    let window = this.#windows.get(key)
    if (window === undefined) {
      window = new AdmissionWindow()
      this.#windows.set(key, window)
    }
    return window
  }
}
