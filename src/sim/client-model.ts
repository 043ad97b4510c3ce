/**
 * The clients: when they come, from where, what they ask for, and what they know of answers that they keep.
 *
 * All chance of clients comes from one stream in a fixed order, so that every policy meets the same requests.
 */

import type { Random } from '../clock.ts'
import { demandAt } from './demand.ts'
import { exponential, lognormal, seededRandom } from './random.ts'
import type { Requests } from './requests.ts'
import type { World } from './world.ts'

export class ClientModel {
  readonly #world: World
  readonly #random: Random
  readonly #arrivals: Random
  readonly #bursts: Random
  readonly #phases: Random
  readonly #proxied: number
  readonly #redirected: number
  /** Running sums of the cities' demand, per second. */
  #sums: Float64Array = new Float64Array(0)
  #total = 0
  /** Place in the trace of the next recorded arrival. */
  #recorded = 0
  /** By city and network: the answer that is kept, and until when. */
  readonly #answer: Int32Array
  readonly #until: Float64Array

  constructor(world: World) {
    this.#world = world
    this.#random = seededRandom(Math.imul(world.seed, 0x9e3779b1) + 1)
    this.#arrivals = seededRandom(Math.imul(world.seed, 0x9e3779b1) + 2)
    this.#bursts = seededRandom(Math.imul(world.seed, 0x9e3779b1) + 3)
    this.#phases = seededRandom(Math.imul(world.seed, 0x9e3779b1) + 7)
    this.#proxied = world.routers.transport.proxy
    this.#redirected = this.#proxied + world.routers.transport.redirect
    const networks = world.cities.length * world.clients.networksPerCity
    this.#answer = new Int32Array(networks)
    this.#until = new Float64Array(networks).fill(Number.NEGATIVE_INFINITY)
    this.useDemandOf(0)
  }

  /** Demand as of this moment, until told otherwise. */
  useDemandOf(now: number): void {
    this.#sums = demandAt(this.#world, now)
    this.#total = 0
    for (let city = 0; city < this.#sums.length; city++) {
      this.#total += this.#sums[city]!
      this.#sums[city] = this.#total
    }
  }

  /** When the next request of the stream comes; infinite where none will. */
  nextArrival(now: number): number {
    const { trace } = this.#world.demand
    if (trace !== undefined) return trace.atMs[this.#recorded] ?? Number.POSITIVE_INFINITY
    return this.#total > 0 ? now + 1000 * exponential(this.#arrivals, this.#total) : Number.POSITIVE_INFINITY
  }

  /** Infinite where there are no bursts. */
  nextBurst(now: number): number {
    const { bursts } = this.#world.demand
    return bursts === undefined ? Number.POSITIVE_INFINITY : now + 1000 * exponential(this.#bursts, bursts.perSecond)
  }

  /** When one client of a burst that begins now sends. */
  withinBurst(now: number): number {
    return now + this.#bursts() * this.#world.demand.bursts!.withinMs
  }

  /** A new request, sent at `now`. */
  create(requests: Requests, now: number): number {
    const { clients, routers } = this.#world
    const id = requests.take()
    requests.city[id] = this.#drawCity()
    requests.network[id] = Math.floor(this.#random() * clients.networksPerCity)
    requests.router[id] = Math.floor(this.#random() * routers.count)
    const draw = this.#random()
    requests.transport[id] = draw < this.#proxied ? 0 : draw < this.#redirected ? 1 : 2
    requests.serviceMs[id] = this.#drawService()
    requests.sentAt[id] = now
    requests.deadline[id] = now + clients.timeoutMs
    return id
  }

  /** Does this network's resolver still know where to go? */
  hasAnswer(city: number, network: number, now: number): boolean {
    return this.#until[this.#resolver(city, network)]! > now
  }

  /** The region that the resolver was last told; −1: none would take it. */
  answer(city: number, network: number): number {
    return this.#answer[this.#resolver(city, network)]!
  }

  keepAnswer(city: number, network: number, region: number, now: number): void {
    const resolver = this.#resolver(city, network)
    this.#answer[resolver] = region
    // The world did not begin with this simulation: a resolver's first answer is some way into its lifetime already.
    const left = this.#until[resolver] === Number.NEGATIVE_INFINITY ? this.#phases() : 1
    this.#until[resolver] = now + left * this.#world.routers.ttlMs
  }

  /** How long a client waits after its try number `attempt`, from 1; infinite where it was the last. */
  retryDelay(attempt: number): number {
    const { attempts, firstDelayMs, factor } = this.#world.clients.retry
    return attempt < attempts ? firstDelayMs * factor ** (attempt - 1) : Number.POSITIVE_INFINITY
  }

  #resolver(city: number, network: number): number {
    return city * this.#world.clients.networksPerCity + network
  }

  #drawCity(): number {
    const wanted = this.#random() * this.#total
    let [low, high] = [0, this.#sums.length - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#sums[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return low
  }

  #drawService(): number {
    const { service, demand } = this.#world
    if (demand.trace !== undefined) return demand.trace.serviceMs[this.#recorded++]!
    switch (service.kind) {
      case 'constant':
        return service.meanMs
      case 'exponential':
        return exponential(this.#random, 1 / service.meanMs)
      case 'lognormal':
        return lognormal(this.#random, service.meanMs, service.sigma)
    }
  }
}
