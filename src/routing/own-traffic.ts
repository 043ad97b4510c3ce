/**
 * What this router itself has in flight, by region: counted where it follows a request to its end, modelled where it does not.
 */

export class OwnTraffic {
  /** Followed to their end. */
  readonly open: Float64Array
  /** Redirected or decided: each fades as fast as requests end. */
  readonly #sent: Float64Array
  /** In flight because of answers that clients use for a while (DNS). */
  readonly #answered: Float64Array
  readonly #answerLifetimeMs: number

  /** @param answerLifetimeMs how long whoever gets an answer uses it */
  constructor(regions: number, answerLifetimeMs: number) {
    this.open = new Float64Array(regions)
    this.#sent = new Float64Array(regions)
    this.#answered = new Float64Array(regions)
    this.#answerLifetimeMs = answerLifetimeMs
  }

  /** Requests in flight there, of this router's. */
  total(region: number): number {
    return this.open[region]! + this.modelled(region)
  }

  /** The part of it that nobody follows. */
  modelled(region: number): number {
    return this.#sent[region]! + this.#answered[region]!
  }

  /** One request was sent there; nobody will say when it ends. */
  send(region: number): void {
    this.#sent[region]!++
  }

  /** One that was sent is not there after all, or is counted otherwise from now on. */
  unsend(region: number): void {
    this.#sent[region] = Math.max(0, this.#sent[region]! - 1)
  }

  /** One answer was given, which stands for `requests` requests over its lifetime. */
  answer(region: number, requests: number, stayMs: number): void {
    this.#answered[region]! += (requests * stayMs) / Math.max(stayMs, this.#answerLifetimeMs)
  }

  /** One more is there, and `end` will say when it is over. */
  begin(region: number): void {
    this.open[region]!++
  }

  end(region: number): void {
    this.open[region] = Math.max(0, this.open[region]! - 1)
  }

  /** Lets time pass: what nobody follows ends as it usually does. */
  fade(region: number, elapsedMs: number, stayMs: number): void {
    this.#sent[region]! *= Math.exp(-elapsedMs / stayMs)
    this.#answered[region]! *= Math.exp(-elapsedMs / Math.max(stayMs, this.#answerLifetimeMs))
  }

  carryOver(region: number, from: OwnTraffic, fromRegion: number): void {
    this.open[region] = from.open[fromRegion]!
    this.#sent[region] = from.#sent[fromRegion]!
    this.#answered[region] = from.#answered[fromRegion]!
  }
}
