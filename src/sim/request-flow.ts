/**
 * The way of a request: from its client through a router to a region, and back with an answer, a refusal or a failure.
 *
 * A proxied request that finds its region dead goes on to the next one, and where its router does so one that was refused; any
 * other client has to try again, if it does.
 */

import type { Random } from '../clock.ts'
import type { ClientModel } from './client-model.ts'
import { event } from './events.ts'
import type { Measure } from './measure.ts'
import type { SimulatedRouter } from './policy.ts'
import { normal } from './random.ts'
import { arrival, type RegionModel } from './region-model.ts'
import { Requests, stage, transports } from './requests.ts'
import type { Schedule } from './schedule.ts'
import type { World } from './world.ts'

const none: readonly number[] = []
/** What a region that is too busy names in `Retry-After`. */
const spareMs = 1000

export interface RequestSurroundings {
  readonly world: World
  readonly schedule: Schedule
  readonly clients: ClientModel
  readonly routers: readonly SimulatedRouter[]
  readonly regions: readonly RegionModel[]
  readonly measure: Measure
  /** Of round trips. */
  readonly jitter: Random
}

export class RequestFlow {
  readonly #world: World
  readonly #schedule: Schedule
  readonly #clients: ClientModel
  readonly #routers: readonly SimulatedRouter[]
  readonly #regions: readonly RegionModel[]
  readonly #measure: Measure
  readonly #jitter: Random
  readonly #rows = new Requests()
  /** Requests sent so far. */
  sent = 0

  constructor({ world, schedule, clients, routers, regions, measure, jitter }: RequestSurroundings) {
    this.#world = world
    this.#schedule = schedule
    this.#clients = clients
    this.#routers = routers
    this.#regions = regions
    this.#measure = measure
    this.#jitter = jitter
  }

  /** A new request, sent by its client at that time. */
  send(at: number): void {
    const rows = this.#rows
    const id = this.#clients.create(rows, at)
    this.sent++
    this.#measure.sent(rows, id)
    rows.stage[id] = stage.waiting
    if (Number.isFinite(rows.deadline[id]!)) this.#schedule.at(rows.deadline[id]!, event.deadline, id)
    if (at === this.#schedule.now) this.ask(id)
    else this.#schedule.at(at, event.ask, id)
  }

  /** A client's next try. */
  ask(id: number): void {
    if (this.#freed(id)) return
    const rows = this.#rows
    if (rows.attempts[id]!++ > 0) this.#measure.retried()
    rows.avoid[id] = undefined
    this.#route(id)
  }

  reachRegion(id: number): void {
    if (this.#freed(id)) return
    const rows = this.#rows
    rows.arrivedAt[id] = this.#schedule.now
    const outcome = this.#regions[rows.region[id]!]!.admit(id)
    if (outcome === arrival.served) this.#serve(id)
    else if (outcome === arrival.queued) rows.stage[id] = stage.queued
    else this.#schedule.after(rows.rttMs[id]! / 2, outcome === arrival.refused ? event.refused : event.failed, id)
  }

  complete(id: number): void {
    if (this.#freed(id)) return
    const rows = this.#rows
    const region = this.#regions[rows.region[id]!]!
    region.release()
    region.complete(this.#schedule.now - rows.arrivedAt[id]!)
    rows.stage[id] = stage.travelling
    this.#schedule.after(rows.rttMs[id]! / 2, event.answered, id)
    this.fill(region)
  }

  /** Lets those in line take the slots that are free. */
  fill(region: RegionModel): void {
    for (let id = region.next(); id >= 0; id = region.next()) {
      if (this.#freed(id)) region.release()
      else this.#serve(id)
    }
  }

  answer(id: number): void {
    if (this.#freed(id)) return
    this.#land(id)
    this.#measure.served(this.#rows, id, this.#schedule.now)
    this.#rows.free(id)
  }

  learnRefusal(id: number): void {
    if (this.#freed(id)) return
    const asksElsewhere = this.#rows.flight[id]?.refused?.(spareMs) === true
    this.#land(id)
    if (!asksElsewhere || !this.#goesOn(id)) this.#refuse(id)
  }

  learnFailure(id: number): void {
    if (this.#freed(id)) return
    this.#land(id)
    if (this.#goesOn(id) || this.#retries(id)) return
    this.#measure.failed(this.#rows, id)
    this.#rows.free(id)
  }

  /** The client has lost its patience; what is under way for it comes to nothing. */
  giveUp(id: number): void {
    const rows = this.#rows
    // The row may have become another request's since.
    if (rows.stage[id] === stage.gone || rows.deadline[id] !== this.#schedule.now) return
    this.#land(id)
    this.#measure.failed(rows, id)
    const wasServed = rows.stage[id] === stage.served
    rows.stage[id] = stage.gone
    if (!wasServed) return
    const region = this.#regions[rows.region[id]!]!
    region.release()
    this.fill(region)
  }

  /** A region dies. Everything that it holds is lost with it, and whoever waits for that learns so at once. */
  loseAll(place: number): void {
    const rows = this.#rows
    const region = this.#regions[place]!
    region.die()
    while (region.queue.length > 0) this.#break(region.queue.take())
    for (let id = rows.count - 1; id >= 0; id--) {
      if (rows.region[id] !== place || rows.stage[id] !== stage.served) continue
      // The old row is left to the completion that will never come.
      const copy = rows.move(id)
      if (Number.isFinite(rows.deadline[copy]!)) this.#schedule.at(rows.deadline[copy]!, event.deadline, copy)
      this.#break(copy)
    }
  }

  #route(id: number): void {
    const rows = this.#rows
    const city = rows.city[id]!
    const region = this.#choose(id)
    if (region < 0) {
      this.#refuse(id)
      return
    }
    rows.region[id] = region
    rows.rttMs[id] = this.#roundTrip(city, region)
    rows.stage[id] = stage.travelling
    this.#schedule.after(rows.rttMs[id]! / 2, event.atRegion, id)
  }

  /** A proxied request tries the next region, as long as there is one. */
  #goesOn(id: number): boolean {
    const rows = this.#rows
    const avoid = [...(rows.avoid[id] ?? none), rows.region[id]!]
    if (transports[rows.transport[id]!] !== 'proxy' || avoid.length >= this.#regions.length) return false
    rows.avoid[id] = avoid
    this.#route(id)
    return true
  }

  #choose(id: number): number {
    const rows = this.#rows
    const { now } = this.#schedule
    const [city, network, router] = [rows.city[id]!, rows.network[id]!, this.#routers[rows.router[id]!]!]
    const transport = transports[rows.transport[id]!]!
    if (transport === 'dns' && this.#clients.hasAnswer(city, network, now)) return this.#clients.answer(city, network)
    const region = router.choose(city, network, transport, now, rows.avoid[id] ?? none)
    if (transport === 'dns') this.#clients.keepAnswer(city, network, region, now)
    if (transport === 'proxy' && region >= 0) rows.flight[id] = router.follow?.(region, now)
    return region
  }

  #roundTrip(city: number, region: number): number {
    const { truthMs, regions, jitterSigma } = this.#world
    const truth = truthMs[city * regions.length + region]!
    return jitterSigma === 0 ? truth : truth * Math.exp(jitterSigma * normal(this.#jitter) - jitterSigma ** 2 / 2)
  }

  /** Its slot is taken already. */
  #serve(id: number): void {
    const rows = this.#rows
    rows.stage[id] = stage.served
    rows.heldMs[id] = rows.serviceMs[id]! * this.#regions[rows.region[id]!]!.slowness
    this.#schedule.after(rows.heldMs[id]!, event.completed, id)
  }

  #refuse(id: number): void {
    if (this.#retries(id)) return
    this.#measure.refused(this.#rows, id)
    this.#rows.free(id)
  }

  /** False where this was the last try, or no time is left for another. */
  #retries(id: number): boolean {
    const rows = this.#rows
    const at = this.#schedule.now + this.#clients.retryDelay(rows.attempts[id]!)
    if (at === Number.POSITIVE_INFINITY || at >= rows.deadline[id]!) return false
    rows.stage[id] = stage.waiting
    this.#schedule.at(at, event.ask, id)
    return true
  }

  #break(id: number): void {
    if (this.#freed(id)) return
    this.#rows.stage[id] = stage.travelling
    this.#schedule.after(this.#rows.rttMs[id]! / 2, event.failed, id)
  }

  /** Whoever followed the request sees its end. */
  #land(id: number): void {
    this.#rows.flight[id]?.end(this.#schedule.now)
    this.#rows.flight[id] = undefined
  }

  /** Is nobody waiting for this request any more? Then its row is free from now on. */
  #freed(id: number): boolean {
    if (this.#rows.stage[id] !== stage.gone) return false
    this.#rows.free(id)
    return true
  }
}
