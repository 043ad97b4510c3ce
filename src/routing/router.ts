/**
 * The heart: from a request to an ordered list of regions. Synchronous, without I/O, the same for every transport.
 *
 * What can be done beforehand is done when a snapshot, a locator or a configuration comes; a decision looks up a plan,
 * reads the barriers of a few regions and hashes the client's key.
 */

import type { Priority, Rule } from '../config/rule.ts'
import { type ClientAddress, unfold } from '../geo/address.ts'
import type { Locator, Pin } from '../geo/location.ts'
import type { DemandSums, FlightSums, RouterSums } from '../regions/router-sums.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import { admit } from './admit.ts'
import { Audiences } from './audience.ts'
import { type Choice, Chooser } from './choice.ts'
import { CostModel } from './cost.ts'
import type { Decision, Flight, FollowingRouter, RouteRequest, Trace } from './decision.ts'
import { explainDecision } from './explain.ts'
import { FleetCondition, FleetLayout } from './fleet.ts'
import { HotMarks } from './hot-marks.ts'
import { type LoadOptions, Loads } from './load.ts'
import { RuleTable } from './match-rule.ts'
import { hashText, hashWords } from './pick.ts'
import { type DecisionContext, RouteDecision } from './route-decision.ts'
import { Admissions } from './shedding.ts'
import { DemandMeter, smoothing } from './tolls/demand-meter.ts'
import type { TollController, Tolls } from './tolls/toll-controller.ts'
import { affinityOf, capabilityOf, type Question, type RouterSettings, type Workings } from './workings.ts'

export interface LiveRouter extends FollowingRouter {
  /** Swaps the fleet. `now` is on the clock of the snapshot. */
  useSnapshot(snapshot: Snapshot, now: number): void
  useLocator(locator: Locator): void
  useSettings(settings: RouterSettings): void
  /** Where this router's requests are: what it has to tell the others often. Cheap. */
  flights(): FlightSums
  /** The same, and who asks for how much, counted up to now: what tolls are made from. */
  sums(now: number): RouterSums
  /** What the others told, this router left out. */
  useOthers(sums: readonly FlightSums[]): void
  /** They cannot be heard for a while: reckons with what they were like, until `useOthers` is called again. */
  missOthers(): void
  /** Tolls for the fleet from what all routers told, by region id, ms. */
  stepTolls(controller: TollController, everyone: readonly DemandSums[], now: number): Tolls
  /** How busy regions are believed to be: fractions of their capacity by id, without those of which nothing is known. */
  utilisations(): ReadonlyMap<string, number>
  /** Lets dispatched requests age; call it about ten times a second. */
  advance(now: number): void
}

/** What the mean number of requests that an answer stands for is averaged over, ms. */
const answerLearningMs = 3_000

const emptySnapshot: Snapshot = { version: 0, takenAt: 0, regions: [] }

export function createRouter(settings: RouterSettings, locator: Locator): LiveRouter {
  return new PlanningRouter(settings, locator)
}

class PlanningRouter implements LiveRouter {
  #settings: RouterSettings
  #locator: Locator
  #snapshot: Snapshot = emptySnapshot
  #now = 0
  readonly #meter = new DemandMeter()
  #requestsPerAnswer = 1
  #learntAt: number | undefined
  /** Requests that are followed, by region id: also those whose region is not in the fleet for a while. */
  readonly #open = new Map<string, number>()
  readonly #hot = new HotMarks()
  readonly #admissions = new Admissions()
  #workings: Workings
  #context: DecisionContext

  constructor(settings: RouterSettings, locator: Locator) {
    this.#settings = settings
    this.#locator = locator
    this.#workings = this.#workOut()
    this.#context = this.#newContext()
  }

  useSnapshot(snapshot: Snapshot, now: number): void {
    this.#snapshot = snapshot.mode === 'distance-only' ? withoutTolls(snapshot) : snapshot
    this.#now = now
    const { layout, audiences, loads } = this.#workings
    if (layout.fits(snapshot.regions)) {
      audiences.useCondition(new FleetCondition(this.#snapshot))
      loads.update(snapshot.regions, now, snapshot.clockOffsetMs)
      loads.useBarriers(snapshot.mode !== 'distance-only')
    } else {
      this.#replaceWorkings()
    }
    this.#context = this.#newContext()
  }

  useLocator(locator: Locator): void {
    this.#locator = locator
    this.#replaceWorkings()
    this.#context = this.#newContext()
  }

  useSettings(settings: RouterSettings): void {
    this.#settings = settings
    this.#replaceWorkings()
    this.#context = this.#newContext()
  }

  advance(now: number): void {
    this.#now = now
    this.#workings.loads.advance(now)
    this.#hot.advance(now)
    this.#admissions.advance(now)
  }

  match(host: string, path: string, method: string): Rule {
    return this.#workings.rules.find(host, path, method).rule
  }

  route(request: RouteRequest): Decision {
    const question = this.#ask(request)
    const choice = this.#choose(question)
    const shed = admit(this.#workings, question, choice, request)
    const decision = this.#decide(question, choice, shed)
    this.#count(question, choice, decision, request.isAnswer === true)
    return decision
  }

  follow(decision: Decision, region: string): Flight {
    const { layout, loads } = this.#workings
    const { capability } = decision as RouteDecision
    const dispatched = (decision as RouteDecision).takeDispatch()
    const refused = (waitMs: number): void => this.#hot.noteRefusal(region, capability, waitMs)
    this.#hot.noteSent(region, capability)
    const index = layout.indexOf.get(region)
    if (index === undefined) return { refused, end: () => {} }
    // The fleet may have changed since the decision, and may change again: an id holds, an index does not.
    loads.begin(index, (dispatched && layout.indexOf.get(dispatched.id)) ?? -1)
    this.#open.set(region, (this.#open.get(region) ?? 0) + 1)
    let ended = false
    return {
      refused,
      end: () => {
        if (ended) return
        ended = true
        this.#open.set(region, (this.#open.get(region) ?? 1) - 1)
        const at = this.#workings.layout.indexOf.get(region)
        if (at !== undefined) this.#workings.loads.end(at)
      },
    }
  }

  flights(): FlightSums {
    const { layout, loads } = this.#workings
    const byId = (value: (region: number) => number): Record<string, number> =>
      Object.fromEntries(layout.regions.map(({ id }, region) => [id, value(region)]))
    const { sentPerSecond, answersPerSecond } = this.#meter
    return {
      open: byId(region => loads.own.open[region]!),
      modelled: byId(region => loads.own.modelled(region)),
      sentPerSecond,
      answersPerSecond,
    }
  }

  sums(now: number): RouterSums {
    this.#meter.count(this.#workings, now)
    return { ...this.flights(), ...this.#meter.largest(this.#requestsPerAnswer) }
  }

  useOthers(others: readonly FlightSums[]): void {
    const { layout, loads } = this.#workings
    const open = new Float64Array(layout.regions.length)
    const modelled = new Float64Array(layout.regions.length)
    layout.regions.forEach(({ id }, region) => {
      for (const sums of others) {
        open[region]! += sums.open[id] ?? 0
        modelled[region]! += sums.modelled[id] ?? 0
      }
    })
    loads.useOthers(open, modelled)
    this.#learnRequestsPerAnswer(others)
  }

  missOthers(): void {
    this.#workings.loads.missOthers()
  }

  utilisations(): ReadonlyMap<string, number> {
    const { layout, loads } = this.#workings
    const found = new Map<string, number>()
    layout.regions.forEach(({ id }, region) => {
      const utilisation = loads.utilisation(region)
      if (utilisation !== undefined) found.set(id, utilisation)
    })
    return found
  }

  stepTolls(controller: TollController, everyone: readonly DemandSums[], now: number): Tolls {
    return controller.step(this.#workings, new FleetCondition(this.#snapshot), everyone, now)
  }

  /** A decision counts as a dispatch to the chosen region, an answer as the many that will follow it. */
  #count({ ranking, capability }: Question, choice: Choice, decision: RouteDecision, isAnswer: boolean): void {
    const { loads, layout } = this.#workings
    const { chosen } = decision
    for (const region of choice.turnedAway) this.#hot.noteTurnedAway(layout.regions[region]!.id, capability)
    if (isAnswer) {
      this.#meter.countAnswer()
      ranking.arrivals.answers++
      if (chosen >= 0) loads.answer(chosen, this.#requestsPerAnswer)
    } else {
      this.#meter.countSent()
      ranking.arrivals.requests++
      if (chosen < 0) return
      loads.dispatch(chosen)
      decision.countsAsDispatch = true
    }
  }

  /** What regions are asked beyond what routers send one by one comes of answers. */
  #learnRequestsPerAnswer(others: readonly FlightSums[]): void {
    let { sentPerSecond, answersPerSecond } = this.#meter
    for (const sums of others) {
      sentPerSecond += sums.sentPerSecond
      answersPerSecond += sums.answersPerSecond
    }
    const reported = this.#snapshot.regions.reduce((sum, { load }) => sum + (load?.requestsPerSecond ?? 0), 0)
    if (answersPerSecond <= 0 || reported <= 0) return
    const found = Math.max(1, (reported - sentPerSecond) / answersPerSecond)
    const elapsed = this.#now - (this.#learntAt ?? this.#now - answerLearningMs)
    this.#learntAt = this.#now
    this.#requestsPerAnswer += smoothing(elapsed, answerLearningMs) * (found - this.#requestsPerAnswer)
  }

  explain(request: RouteRequest): Trace {
    const question = this.#ask(request)
    const choice = this.#choose(question)
    const decision = this.#decide(question, choice)
    return explainDecision(this.#workings, this.#snapshot, this.#now, request, question, choice, decision)
  }

  #ask(request: RouteRequest): Question {
    const { rules, locator, audiences } = this.#workings
    const compiled = rules.find(request.host, request.path, request.method)
    const { address } = request
    const cell = locator.cellOf(locator.locationNumber(address))
    const capability = capabilityOf(compiled.rule, request)
    const variant = audiences.variant(compiled, capability, request.family)
    const pin = pinOf(locator, address)
    const ranking = pin === undefined ? audiences.ranking(variant, cell) : audiences.pinnedRanking(variant, cell, pin)
    const affinity = affinityOf(compiled.rule, request)
    const key = affinity === undefined ? networkKey(unfold(address)) : hashText(affinity)
    const isAnswer = request.isAnswer === true
    return { compiled, address, cell, pin, variant, ranking, key, capability, isAnswer }
  }

  #choose({ compiled, ranking, key, capability, isAnswer }: Question): Choice {
    const { chooser, layout } = this.#workings
    const isHot =
      this.#hot.count === 0
        ? undefined
        : (region: number): boolean =>
            this.#hot.turnsAway(layout.regions[region]!.id, capability, layout.seeds[region]!, key)
    return chooser.choose(ranking, compiled.rule.pick === 'lowest', key, isAnswer, isHot)
  }

  #decide(question: Question, choice: Choice, shed?: Priority): RouteDecision {
    const chosen = choice.winner < 0 || shed !== undefined ? -1 : choice.regions[choice.winner]!
    return new RouteDecision(this.#context, question, choice.start, choice.end, chosen, shed)
  }

  /** What was counted and what is under way is brought up to this moment first, and taken along. */
  #replaceWorkings(): void {
    this.#workings.loads.advance(this.#now)
    this.#meter.count(this.#workings, this.#now)
    const { layout } = this.#workings
    this.#workings = this.#workOut()
    this.#countReturned(layout)
  }

  /** Requests that were under way when their region left the fleet still are when it comes back. */
  #countReturned(before: FleetLayout): void {
    const { layout, loads } = this.#workings
    for (const [id, open] of this.#open) {
      const region = before.indexOf.has(id) ? undefined : layout.indexOf.get(id)
      if (region !== undefined) for (let i = 0; i < open; i++) loads.begin(region, -1)
      if (open === 0) this.#open.delete(id)
    }
  }

  #workOut(): Workings {
    const { regions, mode } = this.#snapshot
    const settings = this.#settings
    const locator = this.#locator
    const rules = new RuleTable(settings.rules)
    this.#admissions.forgetVariants()
    const layout = new FleetLayout(
      regions.map(state => state.region),
      locator.cells,
    )
    const costs = new CostModel(layout, settings.defaultOrder, settings.location)
    const loads = new Loads(regions, this.#now, {
      clockOffsetMs: this.#snapshot.clockOffsetMs,
      answerLifetimeMs: settings.answerLifetimeMs,
      before: this.#loadsBefore(layout),
    })
    loads.useBarriers(mode !== 'distance-only')
    const condition = new FleetCondition(this.#snapshot)
    const audiences = new Audiences(layout, costs, locator.cells, rules.rules, condition, settings.temperatureMs)
    const chooser = new Chooser(layout, loads, settings.temperatureMs)
    return {
      settings,
      rules,
      locator,
      layout,
      costs,
      loads,
      audiences,
      chooser,
      hot: this.#hot,
      admissions: this.#admissions,
    }
  }

  #loadsBefore({ regions }: FleetLayout): LoadOptions['before'] {
    const before = this.#workings as Workings | undefined
    if (before === undefined) return undefined
    return { loads: before.loads, indexIn: region => before.layout.indexOf.get(regions[region]!.id) }
  }

  #newContext(): DecisionContext {
    const { layout, loads, locator } = this.#workings
    return { layout, loads, locator, hot: this.#hot, snapshotVersion: this.#snapshot.version }
  }
}

function withoutTolls(snapshot: Snapshot): Snapshot {
  return { ...snapshot, regions: snapshot.regions.map(state => ({ ...state, tollMs: 0 })) }
}

function pinOf(locator: Locator, address: ClientAddress): Pin | undefined {
  const index = locator.pins.length === 0 ? -1 : locator.pinIndex(address)
  return index < 0 ? undefined : locator.pins[index]
}

/** Hash of the client network: the /24 or /48 around the address, which is what DNS sees of a client, too. */
function networkKey({ family, w0, w1 }: ClientAddress): number {
  return family === 4 ? hashWords(w0 & 0xffffff00, 4) : hashWords(w0, w1 & 0xffff0000)
}
