/**
 * The heart: from a request to an ordered list of regions. Synchronous, without I/O, the same for every transport.
 *
 * What can be done beforehand is done when a snapshot, a locator or a configuration comes; a decision looks up a plan,
 * reads the barriers of a few regions and hashes the client's key.
 */

import type { Rule } from '../config/rule.ts'
import { type ClientAddress, unfold } from '../geo/address.ts'
import type { Locator, Pin } from '../geo/location.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import { Audiences } from './audience.ts'
import { type Choice, Chooser } from './choice.ts'
import { CostModel } from './cost.ts'
import type { Decision, RouteRequest, Router, Trace } from './decision.ts'
import { explainDecision } from './explain.ts'
import { FleetCondition, FleetLayout } from './fleet.ts'
import { Loads } from './load.ts'
import { type CompiledRule, RuleTable } from './match-rule.ts'
import { hashText, hashWords } from './pick.ts'
import type { Ranking } from './plan.ts'
import { type DecisionContext, RouteDecision } from './route-decision.ts'
import { type AudienceDemand, type RouterSums, SmoothedRate, smoothing } from './tolls/demand.ts'
import type { TollController } from './tolls/toll-controller.ts'
import { affinityOf, capabilityOf, type Question, type RouterSettings, type Workings } from './workings.ts'

export interface LiveRouter extends Router {
  /** Swaps the fleet. `now` is on the clock of the snapshot. */
  useSnapshot(snapshot: Snapshot, now: number): void
  useLocator(locator: Locator): void
  useSettings(settings: RouterSettings): void
  /** The request of a decision goes to this region, and the caller says when it ends: it is counted until then. */
  follow(decision: Decision, region: string): Flight
  /** What this router has to tell the others. */
  sums(now: number): RouterSums
  /** What the others told, this router left out. */
  useOthers(sums: readonly RouterSums[]): void
  /** Tolls for the fleet from what all routers told, by region id, ms. */
  stepTolls(controller: TollController, everyone: readonly RouterSums[], now: number): Map<string, number>
  /** Lets dispatched requests age; call it about ten times a second. */
  advance(now: number): void
}

/** A request under way. */
export interface Flight {
  end(): void
}

/** What demand is averaged over, ms. */
const demandMs = 10_000
const mostAudiences = 1000

const emptySnapshot: Snapshot = { version: 0, takenAt: 0, regions: [] }

export function createRouter(settings: RouterSettings, locator: Locator): LiveRouter {
  return new PlanningRouter(settings, locator)
}

class PlanningRouter implements LiveRouter {
  #settings: RouterSettings
  #locator: Locator
  #snapshot: Snapshot = emptySnapshot
  #now = 0
  #countedAt = 0
  #sent = 0
  #answers = 0
  #requestsPerAnswer = 1
  #demand = new Map<number, { key: Omit<AudienceDemand, 'requestsPerSecond'>; rate: number }>()
  #sentRate = new SmoothedRate(demandMs)
  #answerRate = new SmoothedRate(demandMs)
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
      this.#workings = this.#workOut()
    }
    this.#context = this.#newContext()
  }

  useLocator(locator: Locator): void {
    this.#locator = locator
    this.#workings = this.#workOut()
    this.#context = this.#newContext()
  }

  useSettings(settings: RouterSettings): void {
    this.#settings = settings
    this.#workings = this.#workOut()
    this.#context = this.#newContext()
  }

  advance(now: number): void {
    this.#now = now
    this.#workings.loads.advance(now)
  }

  match(host: string, path: string, method: string): Rule {
    return this.#workings.rules.find(host, path, method).rule
  }

  route(request: RouteRequest): Decision {
    const { compiled, address, ranking, key } = this.#ask(request)
    const choice = this.#workings.chooser.choose(ranking, compiled.rule.pick === 'lowest', key)
    const decision = this.#decide(compiled, address, ranking, choice)
    if (request.isAnswer === true) {
      this.#answers++
      ranking.arrivals.count += this.#requestsPerAnswer
      if (decision.chosen >= 0) this.#workings.loads.answer(decision.chosen, this.#requestsPerAnswer)
    } else {
      this.#sent++
      ranking.arrivals.count++
      if (decision.chosen >= 0) this.#workings.loads.dispatch(decision.chosen)
    }
    return decision
  }

  follow(decision: Decision, region: string): Flight {
    const index = this.#workings.layout.indexOf.get(region)
    const chosen = (decision as RouteDecision).chosen
    if (index !== undefined) this.#workings.loads.open(index, chosen)
    let ended = false
    return {
      end: () => {
        if (ended) return
        ended = true
        const at = this.#workings.layout.indexOf.get(region)
        if (at !== undefined) this.#workings.loads.close(at)
      },
    }
  }

  sums(now: number): RouterSums {
    const { audiences, layout, loads, locator } = this.#workings
    const elapsed = now - this.#countedAt
    this.#countedAt = now
    if (elapsed > 0) {
      const keep = 1 - smoothing(elapsed, demandMs)
      for (const each of this.#demand.values()) each.rate *= keep
      audiences.takeArrivals((variant, cell, count) => {
        const key = variant * locator.cells.length + cell
        let entry = this.#demand.get(key)
        if (entry === undefined) {
          const { coordinates, country } = locator.cells[cell]!
          entry = {
            key: { ...audiences.nameOf(variant), ...coordinates, ...(country !== undefined && { country }) },
            rate: 0,
          }
          this.#demand.set(key, entry)
        }
        entry.rate += ((1 - keep) * 1000 * count) / elapsed
      })
      this.#sentRate.add(this.#sent, elapsed)
      this.#answerRate.add(this.#answers, elapsed)
      this.#sent = 0
      this.#answers = 0
    }
    const listed: AudienceDemand[] = []
    for (const { key, rate } of this.#demand.values()) listed.push({ ...key, requestsPerSecond: rate })
    listed.sort((a, b) => b.requestsPerSecond - a.requestsPerSecond)
    let rest = 0
    for (const each of listed.splice(mostAudiences)) rest += each.requestsPerSecond
    return {
      inflight: Object.fromEntries(layout.regions.map(({ id }, region) => [id, loads.own(region)])),
      demand: listed,
      restPerSecond: rest,
      sentPerSecond: this.#sentRate.value,
      answersPerSecond: this.#answerRate.value,
    }
  }

  useOthers(sums: readonly RouterSums[]): void {
    const { layout, loads } = this.#workings
    const inflight = new Float64Array(layout.regions.length)
    let [sent, answers] = [this.#sentRate.value, this.#answerRate.value]
    for (const each of sums) {
      layout.regions.forEach(({ id }, region) => {
        inflight[region]! += each.inflight[id] ?? 0
      })
      sent += each.sentPerSecond
      answers += each.answersPerSecond
    }
    loads.useOthers(inflight)
    let reported = 0
    for (const { load } of this.#snapshot.regions) reported += load?.requestsPerSecond ?? 0
    if (answers > 0 && reported > 0) {
      const wanted = Math.max(1, (reported - sent) / answers)
      this.#requestsPerAnswer += 0.02 * (wanted - this.#requestsPerAnswer)
    }
  }

  stepTolls(controller: TollController, everyone: readonly RouterSums[], now: number): Map<string, number> {
    return controller.step(this.#workings, new FleetCondition(this.#snapshot), everyone, now)
  }

  explain(request: RouteRequest): Trace {
    const question = this.#ask(request)
    const { compiled, address, ranking, key } = question
    const choice = this.#workings.chooser.choose(ranking, compiled.rule.pick === 'lowest', key)
    const decision = this.#decide(compiled, address, ranking, choice)
    return explainDecision(this.#workings, this.#snapshot, this.#now, request, question, choice, decision)
  }

  #ask(request: RouteRequest): Question {
    const { rules, locator, audiences } = this.#workings
    const compiled = rules.find(request.host, request.path, request.method)
    const { address } = request
    const cell = locator.cellOf(locator.locationNumber(address))
    const variant = audiences.variant(compiled, capabilityOf(compiled.rule, request), request.family)
    const pin = pinOf(locator, address)
    const ranking = pin === undefined ? audiences.ranking(variant, cell) : audiences.pinnedRanking(variant, cell, pin)
    const affinity = affinityOf(compiled.rule, request)
    const key = affinity === undefined ? networkKey(unfold(address)) : hashText(affinity)
    return { compiled, address, cell, pin, variant, ranking, key }
  }

  #decide(compiled: CompiledRule, address: ClientAddress, ranking: Ranking, choice: Choice): RouteDecision {
    const chosen = choice.winner < 0 ? -1 : choice.regions[choice.winner]!
    return new RouteDecision(this.#context, address, compiled, ranking, choice.start, choice.end, chosen)
  }

  #workOut(): Workings {
    const { regions, mode } = this.#snapshot
    const settings = this.#settings
    const locator = this.#locator
    const rules = new RuleTable(settings.rules)
    const layout = new FleetLayout(
      regions.map(state => state.region),
      locator.cells,
    )
    const costs = new CostModel(layout, settings.defaultOrder, settings.location)
    const loads = new Loads(regions, this.#now, this.#snapshot.clockOffsetMs, settings.answerLifetimeMs)
    this.#carryLoads(layout, loads)
    loads.useBarriers(mode !== 'distance-only')
    const condition = new FleetCondition(this.#snapshot)
    const audiences = new Audiences(layout, costs, locator.cells, rules.rules, condition, settings.temperatureMs)
    const chooser = new Chooser(layout, loads, settings.temperatureMs)
    return { settings, rules, locator, layout, costs, loads, audiences, chooser }
  }

  #carryLoads(layout: FleetLayout, loads: Loads): void {
    const before = this.#workings as Workings | undefined
    if (before === undefined) return
    for (const [id, index] of layout.indexOf) {
      const old = before.layout.indexOf.get(id)
      if (old !== undefined) loads.carryOver(index, before.loads, old)
    }
  }

  #newContext(): DecisionContext {
    const { layout, loads, locator } = this.#workings
    return { layout, loads, locator, snapshotVersion: this.#snapshot.version }
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
