/**
 * Requests under way, as columns of numbers: a run makes millions, and an object for each would be most of the work.
 *
 * Every request has exactly one event to come, or one place in a region's queue. Whoever takes that up and finds the request
 * `gone` frees its row.
 */

import { grown } from './grown.ts'
import type { SimulatedFlight } from './policy.ts'
import type { Transport } from './world.ts'

export const transports: readonly Transport[] = ['proxy', 'redirect', 'dns']

/** `gone`: its client has the answer or has given up; the row only waits to be freed. */
export const stage = { travelling: 0, queued: 1, served: 2, waiting: 3, gone: 4 } as const

export class Requests {
  city: Int32Array = new Int32Array(1024)
  network: Int32Array = new Int32Array(1024)
  router: Int32Array = new Int32Array(1024)
  /** Place in `transports`. */
  transport: Uint8Array = new Uint8Array(1024)
  region: Int32Array = new Int32Array(1024)
  attempts: Uint8Array = new Uint8Array(1024)
  stage: Uint8Array = new Uint8Array(1024)
  /** By the client, for the first time. */
  sentAt: Float64Array = new Float64Array(1024)
  /** When the client gives up; infinite where it waits. */
  deadline: Float64Array = new Float64Array(1024)
  /** Round trip of the present attempt. */
  rttMs: Float64Array = new Float64Array(1024)
  /** Came to the region. */
  arrivedAt: Float64Array = new Float64Array(1024)
  /** Time in a slot that it needs, and that the region at hand takes for it. */
  serviceMs: Float64Array = new Float64Array(1024)
  heldMs: Float64Array = new Float64Array(1024)
  /** Regions that a proxied request has found dead; most have none. */
  readonly avoid: (number[] | undefined)[] = []
  readonly flight: (SimulatedFlight | undefined)[] = []
  readonly #free: number[] = []
  #rows = 0

  /** Rows that were ever used have numbers below this. */
  get count(): number {
    return this.#rows
  }

  take(): number {
    const id = this.#free.pop() ?? this.#rows++
    if (id === this.city.length) this.#grow()
    this.attempts[id] = 0
    this.avoid[id] = undefined
    this.flight[id] = undefined
    return id
  }

  free(id: number): void {
    this.stage[id] = stage.gone
    this.#free.push(id)
  }

  /** The same request in another row; the old one is gone, for the event that still stands for it. */
  move(id: number): number {
    const copy = this.take()
    for (const column of this.#columns()) column[copy] = column[id]!
    this.avoid[copy] = this.avoid[id]
    this.flight[copy] = this.flight[id]
    this.flight[id] = undefined
    this.stage[id] = stage.gone
    return copy
  }

  #columns() {
    const { city, network, router, transport, region, attempts } = this
    const { sentAt, deadline, rttMs, arrivedAt, serviceMs, heldMs } = this
    const integers = [city, network, router, transport, region, attempts, this.stage]
    return [...integers, sentAt, deadline, rttMs, arrivedAt, serviceMs, heldMs]
  }

  #grow(): void {
    const size = this.city.length * 2
    const integers = (from: Int32Array) => grown(from, new Int32Array(size))
    const bytes = (from: Uint8Array) => grown(from, new Uint8Array(size))
    const floats = (from: Float64Array) => grown(from, new Float64Array(size))
    this.city = integers(this.city)
    this.network = integers(this.network)
    this.router = integers(this.router)
    this.transport = bytes(this.transport)
    this.region = integers(this.region)
    this.attempts = bytes(this.attempts)
    this.stage = bytes(this.stage)
    this.sentAt = floats(this.sentAt)
    this.deadline = floats(this.deadline)
    this.rttMs = floats(this.rttMs)
    this.arrivedAt = floats(this.arrivedAt)
    this.serviceMs = floats(this.serviceMs)
    this.heldMs = floats(this.heldMs)
  }
}
