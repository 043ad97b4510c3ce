/**
 * How busy each region really is, from reports that are already old, and the wall that this puts before a full one.
 *
 * An observer: a model of what is in flight (what this router sent, what the other routers say that they sent), held against
 * each report. The model moves with every dispatch and forgets a request when it ends, or as fast as requests usually end;
 * what a report says beyond the model fades into what such reports have said on the whole (Dahlin's load interpretation,
 * with several routers and traffic from elsewhere). Knows nothing of cost or geography. All arrays are indexed by region.
 */

import type { RegionState } from '../regions/snapshot.ts'
import { TrafficHistory } from './traffic-history.ts'

/** Mean stay of a request where no report tells, ms. */
const assumedStayMs = 1000
/** Below this many slots the request about to be sent is counted, so that the last slot is not sold twice. */
const smallCapacity = 20
const barrierMs = 400
/** Just above the barrier at exactly 100 %, which is the last request that fits. */
const fullBarrierMs = barrierMs * (1 + 1e-9)
/** Slow start: a region that is new or back gets this part of its capacity at once, and all of it after `slowStartMs`. */
const leastCapacity = 0.1
const slowStartMs = 60_000
/** How fast the lasting difference between reports and model is learnt, ms; at least two stays. */
const learningMs = 10_000

/**
 * Price of a region that is about to be full, ms: 0 up to 95 % of its capacity, 400 at 100 %, at most 1600.
 *
 * @param utilisation fraction of capacity
 */
export function barrierOf(utilisation: number): number {
  return barrierMs * Math.min(4, Math.max(0, (utilisation - 0.95) / 0.05))
}

/** The worst of what a report says besides its requests in flight; fractions. */
export function reportedPressure(load: RegionState['load']): number {
  if (load === undefined) return 0
  const queue = load.queueDepth !== undefined && load.queueLimit !== undefined ? load.queueDepth / load.queueLimit : 0
  return Math.max(queue, (load.kvCache ?? 0) / 0.8, (load.cpu ?? 0) / 0.95, memoryPressure(load.memory ?? 0))
}

/** Memory that is merely well used says nothing; above 90 % it starts to count. */
function memoryPressure(memory: number): number {
  return memory > 0.9 ? memory : 0
}

export const knobs = { kind: 'soft', theta: 0.5, w: 4, max: 10000 }

export class Loads {
  /** As declared or reported; NaN where unknown. */
  readonly capacity: Float64Array
  /** Mean stay of a request, ms. */
  readonly stay: Float64Array
  /** Barrier of each region now, ms. */
  readonly barrier: Float64Array
  /** How many regions have a barrier above 0: while none has, decisions need not look. */
  raised = 0

  /** Share of the capacity that slow start allows. */
  readonly #ramp: Float64Array
  readonly #since: Float64Array
  /** Sent by this router and not followed: each fades as fast as requests end. */
  readonly #sent: Float64Array
  /** The same for answers that clients use for a while (DNS). */
  readonly #answered: Float64Array
  /** Sent by this router and followed to its end. */
  readonly #open: Float64Array
  /** In flight for all other routers, as they last said. */
  readonly #others: Float64Array
  /** Reported beyond the model: the last time, and on the whole. */
  readonly #surprise: Float64Array
  readonly #lasting: Float64Array
  readonly #pressure: Float64Array
  /** On the clock of the reports, to tell one from the next. */
  readonly #stamp: Float64Array
  /** On this router's clock. */
  readonly #receivedAt: Float64Array
  readonly #history: TrafficHistory
  readonly #model: Float64Array
  #answerLifetimeMs: number
  #now: number
  #hasBarriers = true

  constructor(regions: readonly RegionState[], now: number, clockOffsetMs = 0, answerLifetimeMs = 0) {
    const array = (): Float64Array => new Float64Array(regions.length)
    this.capacity = array().fill(Number.NaN)
    this.stay = array().fill(assumedStayMs)
    this.barrier = array()
    this.#ramp = array().fill(1)
    this.#since = array()
    this.#sent = array()
    this.#answered = array()
    this.#open = array()
    this.#others = array()
    this.#surprise = array()
    this.#lasting = array()
    this.#pressure = array()
    this.#stamp = array().fill(Number.NEGATIVE_INFINITY)
    this.#receivedAt = array().fill(Number.NEGATIVE_INFINITY)
    this.#model = array()
    this.#history = new TrafficHistory(regions.length)
    this.#answerLifetimeMs = answerLifetimeMs
    this.#now = now
    this.#takeAll(regions, clockOffsetMs)
    this.#rampAll()
    this.#raiseAll()
  }

  /**
   * Takes what the regions last said.
   *
   * @param clockOffsetMs this router's clock minus that of the reports
   */
  update(regions: readonly RegionState[], now: number, clockOffsetMs = 0): void {
    this.advance(now)
    this.#takeAll(regions, clockOffsetMs)
    this.#rampAll()
    this.#raiseAll()
  }

  /** Without barriers every region counts as if it had room: the operator's brake `distance-only`. */
  useBarriers(use: boolean): void {
    if (use === this.#hasBarriers) return
    this.#hasBarriers = use
    this.#raiseAll()
  }

  /** What the other routers have in flight, by region; until they say again. */
  useOthers(inflight: Float64Array): void {
    this.#others.set(inflight)
    this.#raiseAll()
  }

  /** Lets time pass: requests that nobody follows finish. Cheap; called several times a second. */
  advance(now: number): void {
    const elapsed = now - this.#now
    if (elapsed <= 0) return
    this.#now = now
    for (let region = 0; region < this.#sent.length; region++) {
      const stay = this.stay[region]!
      const left = Math.exp(-elapsed / stay)
      this.#sent[region]! *= left
      this.#surprise[region]! *= left
      this.#answered[region]! *= Math.exp(-elapsed / Math.max(stay, this.#answerLifetimeMs))
      this.#model[region] = this.own(region) + this.#others[region]!
    }
    this.#history.record(now, this.#model)
    this.#rampAll()
    this.#raiseAll()
  }

  /** One request was sent there; nobody will say when it ends. */
  dispatch(region: number): void {
    this.#sent[region]!++
    this.#raise(region)
  }

  /** One answer was given that stands for `requests` requests over its lifetime. */
  answer(region: number, requests: number): void {
    const stay = this.stay[region]!
    this.#answered[region]! += (requests * stay) / Math.max(stay, this.#answerLifetimeMs)
    this.#raise(region)
  }

  /**
   * One request went there, and `close` will say when it ends.
   *
   * @param dispatched where it was counted before; −1: nowhere
   */
  open(region: number, dispatched: number): void {
    if (dispatched >= 0) {
      this.#sent[dispatched] = Math.max(0, this.#sent[dispatched]! - 1)
      if (dispatched !== region) this.#raise(dispatched)
    }
    this.#open[region]!++
    this.#raise(region)
  }

  close(region: number): void {
    this.#open[region] = Math.max(0, this.#open[region]! - 1)
    this.#raise(region)
  }

  /** What this router believes to have in flight there itself. */
  own(region: number): number {
    return this.#sent[region]! + this.#answered[region]! + this.#open[region]!
  }

  /** Requests in flight there, all in all. */
  inflight(region: number): number {
    const beyond = this.#surprise[region]! + this.#lasting[region]!
    return Math.max(0, this.own(region) + this.#others[region]! + beyond)
  }

  /** What slow start allows of the capacity; NaN where none is known. */
  capacityNow(region: number): number {
    return this.capacity[region]! * this.#ramp[region]!
  }

  /** Corrected utilisation, fraction of capacity; undefined when the region declares none and reports no pressure. */
  utilisation(region: number): number | undefined {
    const pressure = this.#pressure[region]!
    const capacity = this.capacity[region]! * this.#ramp[region]!
    if (Number.isNaN(capacity)) return pressure > 0 ? pressure : undefined
    const aboutToSend = capacity < smallCapacity ? 1 : 0
    return Math.max(pressure, (this.inflight(region) + aboutToSend) / capacity)
  }

  /** Would one more request be more than the region can hold? */
  isFull(region: number): boolean {
    return this.barrier[region]! > fullBarrierMs
  }

  /** Age of the last report, ms; infinite where there was none. */
  reportAgeMs(region: number): number {
    return this.#now - this.#receivedAt[region]!
  }

  /** Takes over what is known of a region that has another index after the fleet has changed. */
  carryOver(region: number, from: Loads, fromRegion: number): void {
    this.#sent[region] = from.#sent[fromRegion]!
    this.#answered[region] = from.#answered[fromRegion]!
    this.#open[region] = from.#open[fromRegion]!
    this.#others[region] = from.#others[fromRegion]!
    this.#lasting[region] = from.#lasting[fromRegion]!
    this.#surprise[region] = from.#surprise[fromRegion]!
    this.#raise(region)
  }

  #takeAll(regions: readonly RegionState[], clockOffsetMs: number): void {
    for (const [region, state] of regions.entries()) this.#take(state, region, clockOffsetMs)
  }

  #take({ region: spec, load, since }: RegionState, region: number, clockOffsetMs: number): void {
    this.capacity[region] = load?.capacityRequests ?? spec.capacityRequests ?? Number.NaN
    this.#since[region] = since + clockOffsetMs
    if (load === undefined || load.receivedAt === this.#stamp[region]) return
    const receivedAt = Math.min(this.#now, load.receivedAt + clockOffsetMs)
    const interval = Math.min(60_000, receivedAt - this.#receivedAt[region]!)
    this.#stamp[region] = load.receivedAt
    this.#receivedAt[region] = receivedAt
    const stay = Math.max(1, load.latencyMs ?? assumedStayMs)
    this.stay[region] = stay
    this.#pressure[region] = reportedPressure(load)
    if (load.inflight === undefined) return
    const beyond = load.inflight + (load.queueDepth ?? 0) - this.#history.at(region, receivedAt)
    const learnt = 1 - Math.exp(-interval / Math.max(learningMs, 2 * stay))
    this.#lasting[region]! += learnt * (beyond - this.#lasting[region]!)
    this.#surprise[region] = (beyond - this.#lasting[region]!) * Math.exp(-(this.#now - receivedAt) / stay)
  }

  /** A region is new or back only beside others that are not: a fleet that starts as a whole is not slowed down. */
  #rampAll(): void {
    let longest = leastCapacity
    for (let region = 0; region < this.#ramp.length; region++) {
      const ramp = Math.min(1, Math.max(leastCapacity, (this.#now - this.#since[region]!) / slowStartMs))
      this.#ramp[region] = ramp
      if (ramp > longest) longest = ramp
    }
    if (longest < 1) for (let region = 0; region < this.#ramp.length; region++) this.#ramp[region]! /= longest
  }

  #raise(region: number): void {
    const before = this.barrier[region]!
    let after = 0
    if (this.#hasBarriers) {
      if (knobs.kind === 'wall') {
        const utilisation = this.utilisation(region)
        after = utilisation === undefined ? 0 : barrierOf(utilisation)
      } else {
        const capacity = this.capacity[region]! * this.#ramp[region]!
        if (!Number.isNaN(capacity)) {
          const spread = knobs.theta * Math.sqrt(capacity)
          const over = (this.inflight(region) + 1 - capacity) / spread
          const queue = over > 30 ? over * spread : spread * Math.log1p(Math.exp(over))
          after = Math.min(knobs.max, (knobs.w * this.stay[region]! * queue) / capacity)
          if (after < 0.1) after = 0
        }
      }
    }
    this.barrier[region] = after
    if (before > 0 !== after > 0) this.raised += after > 0 ? 1 : -1
  }

  #raiseAll(): void {
    for (let region = 0; region < this.barrier.length; region++) this.#raise(region)
  }
}
