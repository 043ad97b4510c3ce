/**
 * What was believed of every region a little while ago: a report says how busy a region was when it was written, and can only
 * be held against what was believed at that same moment.
 */

/** Samples kept; at ten a second some 25 s, more than any report is late. */
const slots = 256

export class TrafficHistory {
  readonly #regions: number
  readonly #values: Float64Array
  readonly #times = new Float64Array(slots).fill(Number.NEGATIVE_INFINITY)
  #next = 0

  constructor(regions: number) {
    this.#regions = regions
    this.#values = new Float64Array(slots * regions)
  }

  /** @param values by region; copied */
  record(now: number, values: Float64Array): void {
    this.#times[this.#next] = now
    this.#values.set(values, this.#next * this.#regions)
    this.#next = (this.#next + 1) % slots
  }

  /** Takes over what another history has kept of the regions that this one has, too. */
  inherit(from: TrafficHistory, indexIn: (region: number) => number | undefined): void {
    this.#times.set(from.#times)
    this.#next = from.#next
    for (let region = 0; region < this.#regions; region++) {
      const old = indexIn(region)
      if (old === undefined) continue
      for (let slot = 0; slot < slots; slot++) {
        this.#values[slot * this.#regions + region] = from.#values[slot * from.#regions + old]!
      }
    }
  }

  /** The value at the last sample not after `time`; the oldest kept, where `time` is before it; 0 where nothing is kept. */
  at(region: number, time: number): number {
    let slot = (this.#next + slots - 1) % slots
    for (let back = 1; back < slots && this.#times[slot]! > time; back++) {
      const before = (slot + slots - 1) % slots
      if (this.#times[before] === Number.NEGATIVE_INFINITY) break
      slot = before
    }
    return this.#values[slot * this.#regions + region]!
  }
}
