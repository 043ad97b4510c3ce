/**
 * Runs a world: one event after the other, the same for the same seed.
 *
 * Requests take their way (`request-flow.ts`); regions report, routers read, publish and price in their own time
 * (`fleet-model.ts`). Here is what sets all that going and keeps it going, and what the scenario does to it.
 */

import type { Random } from '../clock.ts'
import { ClientModel } from './client-model.ts'
import { constantSpans } from './demand.ts'
import { event } from './events.ts'
import { FleetModel, firstProbeMs } from './fleet-model.ts'
import { Measure } from './measure.ts'
import type { Policy, SimulatedRouter } from './policy.ts'
import { seededRandom } from './random.ts'
import { RegionModel } from './region-model.ts'
import { lookEveryMs, Reports } from './reports.ts'
import { RequestFlow } from './request-flow.ts'
import type { SimulationResult } from './result.ts'
import { Schedule } from './schedule.ts'
import { Upheavals } from './upheavals.ts'
import type { World } from './world.ts'

const sampleEveryMs = 1000
const advanceEveryMs = 100

export interface Simulation {
  /** Simulated time up to which everything has happened, ms. */
  readonly now: number
  readonly durationMs: number
  /** Sent so far. */
  readonly requests: number
  /** Lets happen what happens until then, at most until the end: a run in slices is the same as a run in one. */
  advanceTo(atMs: number): void
  /** What it has come to so far; of the whole run once it has advanced to its end. */
  result(): SimulationResult
}

export function createSimulation(world: World, policy: Policy): Simulation {
  return new Run(world, policy)
}

/** The whole run at once. */
export function simulate(world: World, policy: Policy): SimulationResult {
  const simulation = createSimulation(world, policy)
  simulation.advanceTo(world.durationMs)
  return simulation.result()
}

class Run implements Simulation {
  readonly #world: World
  readonly #policy: Policy
  readonly #schedule: Schedule
  readonly #routers: readonly SimulatedRouter[]
  readonly #clients: ClientModel
  readonly #regions: readonly RegionModel[]
  readonly #fleet: FleetModel
  readonly #measure: Measure
  readonly #flow: RequestFlow
  readonly #upheavals: Upheavals
  readonly #reports: Reports
  /** Rises with every change of demand: an arrival drawn before no longer counts. */
  #generation = 0

  constructor(world: World, policy: Policy) {
    this.#world = world
    this.#policy = policy
    this.#schedule = new Schedule(world.durationMs)
    this.#clients = new ClientModel(world)
    this.#regions = world.regions.map(region => new RegionModel(region.capacityRequests!, world.queueLimit))
    this.#routers = policy.createRouters(world)
    this.#fleet = new FleetModel(world, this.#routers, streamOf(world, 'probes'))
    this.#measure = new Measure(world)
    this.#flow = new RequestFlow({
      world,
      schedule: this.#schedule,
      clients: this.#clients,
      routers: this.#routers,
      regions: this.#regions,
      measure: this.#measure,
      jitter: streamOf(world, 'jitter'),
    })
    this.#upheavals = new Upheavals(world, this.#schedule, this.#regions, this.#fleet, this.#flow)
    this.#reports = new Reports(world, this.#schedule, this.#regions, this.#fleet)
    this.#begin(streamOf(world, 'timing'))
  }

  get now(): number {
    return this.#schedule.now
  }

  get durationMs(): number {
    return this.#world.durationMs
  }

  get requests(): number {
    return this.#flow.sent
  }

  advanceTo(atMs: number): void {
    this.#schedule.advanceTo(atMs, (kind, subject) => {
      if (kind < event.firstOfFleet) this.#request(kind, subject)
      else this.#routine(kind, subject)
    })
  }

  result(): SimulationResult {
    return this.#measure.result(this.#policy.name, this.#regions)
  }

  /** Every part of a fleet keeps its own time. */
  #begin(random: Random): void {
    const { routers, regions } = this.#world
    const schedule = this.#schedule
    for (const { fromMs, toMs } of constantSpans(this.#world)) {
      schedule.at(fromMs, event.change, 0)
      schedule.at(toMs, event.change, 0)
    }
    for (let region = 0; region < regions.length; region++) {
      schedule.at(random() * routers.reportEveryMs, event.report, region)
    }
    for (let router = 0; router < routers.count; router++) {
      schedule.at(random() * routers.snapshotEveryMs, event.snapshot, router)
      schedule.at(random() * routers.publishEveryMs, event.publish, router)
      schedule.at(random() * advanceEveryMs, event.advance, router)
      schedule.at(routers.tollsEveryMs, event.tolls, router)
      for (let region = 0; region < regions.length; region++) {
        if (regions[region]!.endpoints.probe === undefined) continue
        schedule.at(firstProbeMs(random), event.probe, router * regions.length + region)
      }
    }
    schedule.at(sampleEveryMs, event.sample, 0)
    schedule.at(this.#clients.nextBurst(0), event.burst, 0)
  }

  #request(kind: number, subject: number): void {
    const flow = this.#flow
    switch (kind) {
      case event.arrival:
        this.#arrive(subject)
        break
      case event.burst:
        this.#burst()
        break
      case event.ask:
        flow.ask(subject)
        break
      case event.atRegion:
        flow.reachRegion(subject)
        break
      case event.completed:
        flow.complete(subject)
        break
      case event.answered:
        flow.answer(subject)
        break
      case event.refused:
        flow.learnRefusal(subject)
        break
      case event.failed:
        flow.learnFailure(subject)
        break
      case event.deadline:
        flow.giveUp(subject)
        break
    }
  }

  #routine(kind: number, subject: number): void {
    const { now } = this.#schedule
    switch (kind) {
      case event.report:
        this.#reports.look(subject)
        break
      case event.reported:
        this.#reports.arrive(subject)
        break
      case event.snapshot:
        this.#fleet.read(subject, now)
        break
      case event.publish:
        this.#fleet.publish(subject, now)
        break
      case event.tolls:
        this.#fleet.stepTolls(subject, now)
        break
      case event.advance:
        this.#routers[subject]!.advance?.(now)
        break
      case event.probe:
        this.#probe(subject)
        break
      case event.change:
        this.#clients.useDemandOf(now)
        this.#schedule.at(this.#clients.nextArrival(now), event.arrival, ++this.#generation)
        this.#upheavals.bringAbout()
        break
      case event.sample:
        this.#measure.sample(this.#regions, region => this.#fleet.tollOf(region), now)
        break
    }
    const everyMs = this.#periodOf(kind)
    if (everyMs !== undefined) this.#schedule.after(everyMs, kind, subject)
  }

  /** Of what comes again and again, ms. */
  #periodOf(kind: number): number | undefined {
    const { reportEveryMs, snapshotEveryMs, publishEveryMs, tollsEveryMs } = this.#world.routers
    switch (kind) {
      case event.report:
        return lookEveryMs(reportEveryMs)
      case event.snapshot:
        return snapshotEveryMs
      case event.publish:
        return publishEveryMs
      case event.tolls:
        return tollsEveryMs
      case event.advance:
        return advanceEveryMs
      case event.sample:
        return sampleEveryMs
      default:
        return undefined
    }
  }

  #arrive(generation: number): void {
    if (generation !== this.#generation) return
    const { now } = this.#schedule
    this.#flow.send(now)
    this.#schedule.at(this.#clients.nextArrival(now), event.arrival, generation)
  }

  #burst(): void {
    const { now } = this.#schedule
    for (let client = 0; client < this.#world.demand.bursts!.clients; client++) {
      const at = this.#clients.withinBurst(now)
      if (at <= this.#world.durationMs) this.#flow.send(at)
    }
    this.#schedule.at(this.#clients.nextBurst(now), event.burst, 0)
  }

  #probe(subject: number): void {
    const region = subject % this.#regions.length
    const router = (subject - region) / this.#regions.length
    const delayMs = this.#fleet.probe(router, region, this.#regions[region]!.isUp, this.#schedule.now)
    this.#schedule.after(delayMs, event.probe, subject)
  }
}

const streams = { jitter: 4, timing: 5, probes: 6 }

/** Chance of its own for each part of the world, so that one does not shift another. */
function streamOf(world: World, name: keyof typeof streams): Random {
  return seededRandom(Math.imul(world.seed, 0x9e3779b1) + streams[name])
}
