/**
 * How busy each region really is, from reports that are already old.
 *
 * An observer: a model of what is in flight (what this router sent, and what the others say that they sent), held against each
 * report as it was when the report was written. What the report says beyond the model fades as fast as requests end into what
 * such reports have said on the whole: traffic from elsewhere, and the model's own error. With one router and redirects only
 * this is Dahlin's load interpretation, `û = (L·e^(−Δt/S) + dispatches since)/C`. Knows nothing of cost or geography. All arrays
 * are indexed by region.
 */

import type { RegionState } from '../regions/snapshot.ts'
import { barrierMs } from './barrier.ts'
import { OwnTraffic } from './own-traffic.ts'
import {
  assumedStayMs,
  believedCapacity,
  believedInflight,
  believedStayMs,
  reportedPressure,
  servingPressure,
} from './reported-load.ts'
import { rampUp } from './slow-start.ts'
import { TrafficHistory } from './traffic-history.ts'

/** Over what the mean stay is averaged that regions report of a second or two each, ms. */
const stayMs = 20_000
/** How slowly the lasting difference between reports and model is learnt, ms; at least two stays. */
const learningMs = 10_000
/** Where a region declares no capacity, its pressure is put to the wall of so many slots. */
const slotsOfPressure = 100
/** How long what is said beside requests (CPU, memory, queue) is taken as it was, and then how soon half of it is forgotten, ms. */
const pressureHoldsMs = 10_000
/** Answers that live for no more than so many stays follow what is reported altogether. */
const staysPerLifetime = 25
/** Share of its capacity at which a region counts as full. */
const fullShare = 0.95
/** Of what is followed and not over, at least this part is believed to be there, whatever the region reports. */
const leastPresent = 0.45

export interface LoadOptions {
  /** This router's clock minus the store's, which stamps reports; 0 where absent. */
  readonly clockOffsetMs?: number | undefined
  /** How long an answer (DNS) is used by whoever got it, ms; 0 where absent. */
  readonly answerLifetimeMs?: number | undefined
  /** What was known before the fleet's regions changed; `indexIn` is undefined for those that are new. */
  readonly before?: { readonly loads: Loads; readonly indexIn: (region: number) => number | undefined } | undefined
}

export class Loads {
  /** As declared or reported; NaN where unknown. */
  readonly capacity: Float64Array
  /** Mean stay of a request, ms. */
  readonly stay: Float64Array
  /** Barrier of each region now, ms. */
  readonly barrier: Float64Array
  /** How many regions have a barrier above 0: while none has, decisions need not look. */
  raised = 0
  /** The same for answers (DNS), which outlive the moment; all 0 where there are none. */
  readonly answerBarrier: Float64Array
  answersRaised = 0
  readonly own: OwnTraffic

  /** In flight for all other routers, as they last said: followed to their end, and modelled. */
  readonly #othersOpen: Float64Array
  readonly #othersModelled: Float64Array
  /** While the others cannot be heard: how many times this router's own traffic theirs was. */
  #othersPerOwn: number | undefined
  /** Reported beyond the model: the last time, and on the whole. */
  readonly #surprise: Float64Array
  readonly #lasting: Float64Array
  /** As reported, and what is left of it: a region that falls silent at a busy moment is not busy for ever. */
  readonly #reportedPressure: Float64Array
  readonly #pressure: Float64Array
  readonly #servingPressure: Float64Array
  /** Share of the capacity that slow start allows. */
  readonly #ramp: Float64Array
  readonly #since: Float64Array
  /** Of the last report: on the store's clock, which tells one from the next, and on this router's. */
  readonly #stamp: Float64Array
  readonly #receivedAt: Float64Array
  readonly #history: TrafficHistory
  readonly #model: Float64Array
  #now: number
  #hasBarriers = true
  readonly #answerLifetimeMs: number

  constructor(regions: readonly RegionState[], now: number, options: LoadOptions = {}) {
    const array = (): Float64Array => new Float64Array(regions.length)
    this.capacity = array().fill(Number.NaN)
    this.stay = array().fill(assumedStayMs)
    this.barrier = array()
    this.answerBarrier = array()
    this.#answerLifetimeMs = options.answerLifetimeMs ?? 0
    this.own = new OwnTraffic(regions.length, this.#answerLifetimeMs)
    this.#othersOpen = array()
    this.#othersModelled = array()
    this.#surprise = array()
    this.#lasting = array()
    this.#reportedPressure = array()
    this.#pressure = array()
    this.#servingPressure = array()
    this.#ramp = array().fill(1)
    this.#since = array()
    this.#stamp = array().fill(Number.NEGATIVE_INFINITY)
    this.#receivedAt = array().fill(Number.NEGATIVE_INFINITY)
    this.#history = new TrafficHistory(regions.length)
    this.#model = array()
    this.#now = now
    if (options.before !== undefined) this.#inherit(options.before.loads, options.before.indexIn)
    this.#takeAll(regions, options.clockOffsetMs ?? 0)
  }

  /**
   * Takes what the regions last said.
   *
   * @param clockOffsetMs this router's clock minus the store's
   */
  update(regions: readonly RegionState[], now: number, clockOffsetMs = 0): void {
    this.advance(now)
    this.#takeAll(regions, clockOffsetMs)
  }

  /** Without barriers every region counts as if it had room: the operator's brake `distance-only`. */
  useBarriers(use: boolean): void {
    if (use === this.#hasBarriers) return
    this.#hasBarriers = use
    this.#raiseAll()
  }

  /** What the other routers have in flight, by region; holds until they say again. */
  useOthers(open: Float64Array, modelled: Float64Array): void {
    this.#othersPerOwn = undefined
    this.#othersOpen.set(open)
    this.#othersModelled.set(modelled)
    this.#raiseAll()
  }

  /**
   * The other routers cannot be heard any more. They see clients of the same kind and know as little, so what they have
   * in flight is taken to be what this one has, as many times over as it was when they were heard.
   */
  missOthers(): void {
    if (this.#othersPerOwn !== undefined) return
    let [own, others] = [0, 0]
    for (let region = 0; region < this.#model.length; region++) {
      own += this.own.total(region)
      others += this.#othersOpen[region]! + this.#othersModelled[region]!
    }
    this.#othersPerOwn = own < 1 ? 0 : others / own
    this.#imagineOthers()
    this.#raiseAll()
  }

  #imagineOthers(): void {
    const times = this.#othersPerOwn
    if (times === undefined) return
    for (let region = 0; region < this.#model.length; region++) {
      this.#othersOpen[region] = times * this.own.open[region]!
      this.#othersModelled[region] = times * this.own.modelled(region)
    }
  }

  /** Lets time pass: requests that nobody follows end. Cheap; called several times a second. */
  advance(now: number): void {
    const elapsed = now - this.#now
    if (elapsed <= 0) return
    this.#now = now
    for (let region = 0; region < this.#model.length; region++) {
      const stay = this.stay[region]!
      this.own.fade(region, elapsed, stay)
      this.#surprise[region]! *= Math.exp(-elapsed / stay)
      this.#pressure[region] = this.#pressureLeft(region)
      this.#model[region] = this.#modelled(region)
    }
    this.#imagineOthers()
    this.#history.record(now, this.#model)
    rampUp(this.#since, now, this.#ramp)
    this.#raiseAll()
  }

  /** One request was sent there; nobody will say when it ends. */
  dispatch(region: number): void {
    this.own.send(region)
    this.#raise(region)
  }

  /** One answer was given that stands for `requests` requests over its lifetime. */
  answer(region: number, requests: number): void {
    this.own.answer(region, requests, this.stay[region]!)
    this.#raise(region)
  }

  /**
   * One request went there, and `end` will say when it is over.
   *
   * @param dispatched where its decision was counted as a dispatch; −1: nowhere
   */
  begin(region: number, dispatched: number): void {
    if (dispatched >= 0) {
      this.own.unsend(dispatched)
      if (dispatched !== region) this.#raise(dispatched)
    }
    this.own.begin(region)
    this.#raise(region)
  }

  end(region: number): void {
    this.own.end(region)
    this.#raise(region)
  }

  /** Requests there that some router follows to their end. */
  followed(region: number): number {
    return this.own.open[region]! + this.#othersOpen[region]!
  }

  /** Requests there, running or waiting, all in all. */
  inflight(region: number): number {
    const certain = leastPresent * this.followed(region)
    return Math.max(certain, this.#modelled(region) + this.#surprise[region]! + this.#lasting[region]!)
  }

  /** The first that is reported as it is. */
  #averageStay(region: number, reported: number, sinceLast: number): number {
    const before = this.stay[region]!
    const stay = before + (1 - Math.exp(-sinceLast / stayMs)) * (reported - before)
    this.stay[region] = stay
    return stay
  }

  #pressureLeft(region: number): number {
    const reported = this.#reportedPressure[region]!
    const beyond = this.reportAgeMs(region) - pressureHoldsMs
    return reported === 0 || beyond <= 0 ? reported : reported * 2 ** (-beyond / pressureHoldsMs)
  }

  #modelled(region: number): number {
    return this.own.total(region) + this.#othersOpen[region]! + this.#othersModelled[region]!
  }

  /** What slow start allows of the capacity; NaN where none is known. */
  capacityNow(region: number): number {
    return this.capacity[region]! * this.#ramp[region]!
  }

  /** Corrected utilisation, fraction of capacity; undefined when the region declares none and reports no pressure. */
  utilisation(region: number): number | undefined {
    const pressure = this.#pressure[region]!
    const capacity = this.capacityNow(region)
    if (Number.isNaN(capacity)) return pressure > 0 ? pressure : undefined
    return Math.max(pressure, this.inflight(region) / capacity)
  }

  /** Is it so full that what else comes goes to a later tier, if there is one? The last slots are for what is under way. */
  isFull(region: number): boolean {
    return this.#hasBarriers && (this.#pressure[region]! >= 1 || this.#isTaken(region, fullShare))
  }

  /** Would more requests than it has only wait there, or be refused? What is asked for then is more than it can do. */
  isOverloaded(region: number): boolean {
    if (!this.#hasBarriers) return false
    const isPressed = this.#servingPressure[region]! >= 1 && this.reportAgeMs(region) <= pressureHoldsMs
    return isPressed || this.#isTaken(region, 1)
  }

  #isTaken(region: number, share: number): boolean {
    return Math.round(this.inflight(region)) >= Math.ceil(share * this.capacityNow(region))
  }

  /** Barriers as a choice sees them. */
  barriersFor(isAnswer: boolean): Float64Array {
    return isAnswer ? this.answerBarrier : this.barrier
  }

  /** Age of the last report, ms; infinite where there was none. */
  reportAgeMs(region: number): number {
    return this.#now - this.#receivedAt[region]!
  }

  #inherit(from: Loads, indexIn: (region: number) => number | undefined): void {
    this.#history.inherit(from.#history, indexIn)
    for (let region = 0; region < this.barrier.length; region++) {
      const old = indexIn(region)
      if (old === undefined) continue
      this.own.carryOver(region, from.own, old)
      this.stay[region] = from.stay[old]!
      this.#othersOpen[region] = from.#othersOpen[old]!
      this.#othersModelled[region] = from.#othersModelled[old]!
      this.#lasting[region] = from.#lasting[old]!
      this.#surprise[region] = from.#surprise[old]!
      this.#reportedPressure[region] = from.#reportedPressure[old]!
      this.#servingPressure[region] = from.#servingPressure[old]!
      this.#stamp[region] = from.#stamp[old]!
      this.#receivedAt[region] = from.#receivedAt[old]!
    }
  }

  #takeAll(regions: readonly RegionState[], clockOffsetMs: number): void {
    for (const [region, state] of regions.entries()) this.#take(state, region, clockOffsetMs)
    rampUp(this.#since, this.#now, this.#ramp)
    this.#raiseAll()
  }

  #take({ region: spec, load, since }: RegionState, region: number, clockOffsetMs: number): void {
    this.capacity[region] = believedCapacity(spec, load)
    this.#since[region] = since + clockOffsetMs
    if (load === undefined || load.receivedAt === this.#stamp[region]) return
    const receivedAt = Math.min(this.#now, load.receivedAt + clockOffsetMs)
    // The store's clock may have been set back, or be another server's: less than no time has not passed.
    const sinceLast = Math.max(0, receivedAt - this.#receivedAt[region]!)
    this.#stamp[region] = load.receivedAt
    this.#receivedAt[region] = receivedAt
    this.#reportedPressure[region] = reportedPressure(load)
    this.#servingPressure[region] = servingPressure(load)
    this.#pressure[region] = this.#pressureLeft(region)
    const stay = this.#averageStay(region, believedStayMs(load), sinceLast)
    const inflight = believedInflight(load, this.capacity[region]!)
    if (inflight === undefined) return
    const beyond = inflight - this.#history.at(region, receivedAt)
    const learnt = 1 - Math.exp(-sinceLast / Math.max(learningMs, 2 * stay))
    this.#lasting[region]! += learnt * (beyond - this.#lasting[region]!)
    this.#surprise[region] = (beyond - this.#lasting[region]!) * Math.exp(-(this.#now - receivedAt) / stay)
  }

  #raise(region: number): void {
    const before = this.barrier[region]!
    const after = this.#hasBarriers ? this.#barrierOf(region) : 0
    this.barrier[region] = after
    if (before > 0 !== after > 0) this.raised += after > 0 ? 1 : -1
    if (this.#answerLifetimeMs > 0) this.#raiseForAnswers(region)
  }

  /**
   * What reports say beyond the model is a queue as often as not, and tells of the next few stays. An answer that lives for far longer
   * cannot follow it: by the time that it counts, the queue is elsewhere. So it counts in the measure of stay to lifetime.
   */
  #raiseForAnswers(region: number): void {
    const before = this.answerBarrier[region]!
    const capacity = this.capacityNow(region)
    const stay = this.stay[region]!
    const trust = Math.min(1, (staysPerLifetime * stay) / this.#answerLifetimeMs)
    const inflight = this.#modelled(region) + trust * (this.#surprise[region]! + this.#lasting[region]!)
    const isKnown = this.#hasBarriers && !Number.isNaN(capacity)
    const after = isKnown ? barrierMs(Math.max(0, inflight), capacity, stay) : 0
    this.answerBarrier[region] = after
    if (before > 0 !== after > 0) this.answersRaised += after > 0 ? 1 : -1
  }

  #barrierOf(region: number): number {
    const pressure = this.#pressure[region]!
    const known = this.capacityNow(region)
    if (Number.isNaN(known) && pressure === 0) return 0
    const capacity = Number.isNaN(known) ? slotsOfPressure : known
    const inflight = Number.isNaN(known) ? 0 : this.inflight(region)
    return barrierMs(Math.max(inflight, pressure * capacity), capacity, this.stay[region]!)
  }

  #raiseAll(): void {
    for (let region = 0; region < this.barrier.length; region++) this.#raise(region)
  }
}
