/**
 * How busy each region really is, from reports that are already old, and the wall that this puts before a full one.
 *
 * A report says what was true when it was written. Since then this router has sent more requests there, and some of the
 * reported ones have finished: `û = (L·e^(−Δt/S) + dispatches)/C` (Dahlin's load interpretation). Knows nothing of cost or
 * geography. All arrays are indexed by region.
 */

import type { RegionState } from '../regions/snapshot.ts'

/** Mean stay of a request where no report tells, ms. */
const assumedStayMs = 1000
/** Below this many slots the request about to be sent is counted, so that the last slot is not sold twice. */
const smallCapacity = 20
const barrierMs = 400
/** Just above the barrier at exactly 100 %, which is the last request that fits. */
const fullBarrierMs = barrierMs * (1 + 1e-9)

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

export class Loads {
  readonly capacity: Float64Array
  /** Barrier of each region now, ms. */
  readonly barrier: Float64Array
  /** How many regions have a barrier above 0: while none has, decisions need not look. */
  raised = 0

  /** What is left of the reported requests, and of those sent since. */
  readonly #kept: Float64Array
  readonly #dispatched: Float64Array
  readonly #stay: Float64Array
  readonly #pressure: Float64Array
  readonly #receivedAt: Float64Array
  #now: number
  #hasBarriers = true

  constructor(regions: readonly RegionState[], now: number) {
    const array = (): Float64Array => new Float64Array(regions.length)
    this.capacity = array().fill(Number.NaN)
    this.barrier = array()
    this.#kept = array()
    this.#dispatched = array()
    this.#stay = array().fill(assumedStayMs)
    this.#pressure = array()
    this.#receivedAt = array().fill(Number.NEGATIVE_INFINITY)
    this.#now = now
    for (const [region, state] of regions.entries()) this.#take(state, region)
    this.#raiseAll()
  }

  /** Takes what the regions last said. Dispatches made before a new report are in that report. */
  update(regions: readonly RegionState[], now: number): void {
    this.advance(now)
    for (const [region, state] of regions.entries()) this.#take(state, region)
    this.#raiseAll()
  }

  /** Without barriers every region counts as if it had room: the operator's brake `distance-only`. */
  useBarriers(use: boolean): void {
    if (use === this.#hasBarriers) return
    this.#hasBarriers = use
    this.#raiseAll()
  }

  /** Lets time pass: dispatched requests finish. Cheap; called several times a second. */
  advance(now: number): void {
    const elapsed = now - this.#now
    if (elapsed <= 0) return
    this.#now = now
    for (let region = 0; region < this.#dispatched.length; region++) {
      const left = Math.exp(-elapsed / this.#stay[region]!)
      this.#kept[region]! *= left
      this.#dispatched[region]! *= left
    }
    this.#raiseAll()
  }

  /** One request was sent there. */
  dispatch(region: number): void {
    this.#dispatched[region]!++
    this.#raise(region)
  }

  /** Corrected utilisation, fraction of capacity; undefined when the region declares none and reports no pressure. */
  utilisation(region: number): number | undefined {
    const pressure = this.#pressure[region]!
    const capacity = this.capacity[region]!
    if (Number.isNaN(capacity)) return pressure > 0 ? pressure : undefined
    const aboutToSend = capacity < smallCapacity ? 1 : 0
    return Math.max(pressure, (this.#kept[region]! + this.#dispatched[region]! + aboutToSend) / capacity)
  }

  /** Would one more request be more than the region can hold? */
  isFull(region: number): boolean {
    return this.barrier[region]! > fullBarrierMs
  }

  dispatchedSince(region: number): number {
    return this.#dispatched[region]!
  }

  /** Age of the last report, ms; infinite where there was none. */
  reportAgeMs(region: number): number {
    return this.#now - this.#receivedAt[region]!
  }

  /** Takes over what was sent to a region that is known under another index after the fleet has changed. */
  carryOver(region: number, from: Loads, fromRegion: number): void {
    if (this.#receivedAt[region] !== from.#receivedAt[fromRegion]) return
    this.#kept[region] = from.#kept[fromRegion]!
    this.#dispatched[region] = from.#dispatched[fromRegion]!
    this.#raise(region)
  }

  #take({ region: spec, load }: RegionState, region: number): void {
    this.capacity[region] = load?.capacityRequests ?? spec.capacityRequests ?? Number.NaN
    if (load === undefined || load.receivedAt === this.#receivedAt[region]) return
    this.#receivedAt[region] = load.receivedAt
    const stay = Math.max(1, load.latencyMs ?? assumedStayMs)
    this.#stay[region] = stay
    this.#kept[region] = (load.inflight ?? 0) * Math.exp(-Math.max(0, this.#now - load.receivedAt) / stay)
    this.#pressure[region] = reportedPressure(load)
    this.#dispatched[region] = 0
  }

  #raise(region: number): void {
    const utilisation = this.utilisation(region)
    const before = this.barrier[region]!
    const after = utilisation === undefined || !this.#hasBarriers ? 0 : barrierOf(utilisation)
    this.barrier[region] = after
    if (before > 0 !== after > 0) this.raised += after > 0 ? 1 : -1
  }

  #raiseAll(): void {
    for (let region = 0; region < this.barrier.length; region++) this.#raise(region)
  }
}
