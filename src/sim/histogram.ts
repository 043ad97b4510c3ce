/** Counts of durations in bins that grow by 2 %: quantiles within 1 % of the truth, from a microsecond to a day. */

const leastMs = 1e-3
const growth = Math.log(1.02)
const bins = Math.ceil(Math.log(86_400_000 / leastMs) / growth) + 1

export class Histogram {
  readonly #counts = new Uint32Array(bins)
  total = 0

  add(ms: number): void {
    const bin = ms <= leastMs ? 0 : Math.min(bins - 1, Math.round(Math.log(ms / leastMs) / growth))
    this.#counts[bin]!++
    this.total++
  }

  addAll(other: Histogram): void {
    for (let bin = 0; bin < bins; bin++) this.#counts[bin]! += other.#counts[bin]!
    this.total += other.total
  }

  /** The duration that this share of all stays at or below, ms; 0 where nothing was counted. */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.total))
    let seen = 0
    for (let bin = 0; bin < bins; bin++) {
      seen += this.#counts[bin]!
      if (seen >= wanted) return leastMs * Math.exp(bin * growth)
    }
    return 0
  }
}
