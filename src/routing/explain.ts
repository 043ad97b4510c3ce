/**
 * The reasoning behind one decision, spelt out: every region with its column of milliseconds, and why the rejected ones
 * were rejected. Made from the same plan, loads and choice as the decision itself.
 */

import type { Rule } from '../config/rule.ts'
import { formatAddress } from '../geo/address.ts'
import type { Cell } from '../geo/location.ts'
import { clientNetwork, formatNetwork } from '../geo/network.ts'
import { liesIn } from '../regions/jurisdiction.ts'
import type { Region } from '../regions/region.ts'
import type { RegionState, Snapshot } from '../regions/snapshot.ts'
import { admissionWindow, priorityOf } from './admit.ts'
import type { Choice } from './choice.ts'
import type {
  Believed,
  CostColumn,
  RouteRequest,
  Trace,
  TracedCandidate,
  TracedRejection,
  TracedSnapshot,
} from './decision.ts'
import type { BelievedRtt } from './latency/belief.ts'
import { allowedJurisdictions } from './residency.ts'
import type { RouteDecision } from './route-decision.ts'
import { affinityOf, capabilityOf, type Question, type Workings } from './workings.ts'

export function explainDecision(
  workings: Workings,
  snapshot: Snapshot,
  now: number,
  request: RouteRequest,
  question: Question,
  choice: Choice,
  decision: RouteDecision,
): Trace {
  const { rule } = question.compiled
  const cell = workings.locator.cells[question.cell]!
  const network = formatNetwork(clientNetwork(question.address, 128))
  const affinity = affinityOf(rule, request)
  const { location } = decision
  const inPlay = new Set(question.ranking.regions.subarray(choice.start, choice.end))
  for (const region of choice.turnedAway) inPlay.delete(region)
  const candidates = decision.ranked
    .map(({ region }) => workings.layout.indexOf.get(region.id)!)
    .filter(region => inPlay.has(region))
    .map(region => traceCandidate(workings, snapshot, question, choice, cell, region))
  return {
    client: { address: formatAddress(request.address), network, ...(location !== undefined && { location }) },
    rule: rule.name,
    transport: rule.transport,
    audience: audienceName(rule.name, cell),
    snapshot: traceSnapshot(snapshot, now),
    pick: {
      key: affinity ?? network,
      kind: rule.pick === 'lowest' ? 'lowest' : affinity === undefined ? 'client-network' : 'affinity',
      temperatureMs: workings.settings.temperatureMs,
    },
    reason: decision.reason,
    degraded: decision.degraded,
    region: decision.best?.id ?? null,
    ...sheddingOf(workings, question, choice, request),
    candidates,
    rejected: snapshot.regions.flatMap((state, region) =>
      inPlay.has(region) ? [] : [traceRejection(workings, request, question, choice, cell, state, region)],
    ),
  }
}

function traceSnapshot({ version, takenAt, mode, leader, tolls }: Snapshot, now: number): TracedSnapshot {
  const ageOf = (at: number): number => Math.max(0, Math.round(now - at))
  return {
    ...{ version, ageMs: ageOf(takenAt) },
    ...(mode !== undefined && mode !== 'auto' && { mode }),
    ...(leader !== undefined && { leader }),
    ...(tolls !== undefined && { tolls: { term: tolls.term, ageMs: ageOf(tolls.setAt) } }),
  }
}

function sheddingOf(
  workings: Workings,
  question: Question,
  { hasRoom }: Choice,
  request: RouteRequest,
): Pick<Trace, 'shedding'> {
  const window = hasRoom ? undefined : admissionWindow(workings, question, request)
  if (window === undefined) return {}
  const priority = priorityOf(question.compiled.rule, request)
  return { shedding: { priority, probability: Math.round(10_000 * window.probability(priority)) / 10_000 } }
}

function audienceName(rule: string, { coordinates, country }: Cell): string {
  const place = coordinates === undefined ? 'unknown' : `${coordinates.latitude},${coordinates.longitude}`
  return country === undefined ? `${rule}/${place}` : `${rule}/${place}/${country}`
}

function traceCandidate(
  workings: Workings,
  snapshot: Snapshot,
  question: Question,
  choice: Choice,
  cell: Cell,
  region: number,
): TracedCandidate {
  const state = snapshot.regions[region]!
  const column = columnOf(workings, question, cell, state, region)
  const believed = believedOf(workings, question, cell, state, region)
  return {
    region: state.region.id,
    tier: state.region.tier,
    costMs: total(column),
    share: shareOf(choice, region),
    column,
    ...(believed !== undefined && { believed }),
  }
}

function columnOf(workings: Workings, question: Question, cell: Cell, state: RegionState, region: number): CostColumn {
  const { rtt, tier, bias, order } = workings.costs.slowCost(question.compiled.rule, cell, region)
  return {
    rtt: rounded(rtt),
    service: rounded(state.serviceMs),
    toll: rounded(state.tollMs),
    barrier: rounded(workings.loads.barriersFor(question.isAnswer)[region]!),
    tier: rounded(tier),
    bias: rounded(bias),
    ...(order > 0 && { order: rounded(order) }),
  }
}

/** The sum of what is shown, so that it adds up to the last digit. */
function total(column: CostColumn): number {
  return rounded(Object.values(column).reduce((sum: number, ms: number) => sum + ms, 0))
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100

function shareOf({ regions, weights, count }: Choice, region: number): number {
  let sum = 0
  let own = 0
  for (let i = 0; i < count; i++) {
    sum += weights[i]!
    if (regions[i] === region) own = weights[i]!
  }
  if (sum === 0) return count > 0 && regions[0] === region ? 1 : 0
  return Math.round((own / sum) * 10_000) / 10_000
}

function believedOf(
  workings: Workings,
  question: Question,
  cell: Cell,
  { region: { id }, load }: RegionState,
  region: number,
): Believed | undefined {
  const { loads, hot } = workings
  const { capability } = question
  const mark = hot.markOf(id, capability)
  const utilisation = loads.utilisation(region)
  const rtt = believedRttOf(workings, question, cell, region)
  if (utilisation === undefined && load === undefined && mark === undefined && rtt === undefined) return undefined
  const capacity = loads.capacity[region]!
  return {
    ...(rtt !== undefined && { rtt }),
    ...(utilisation !== undefined && { utilisation: rounded(utilisation) }),
    ...(load?.inflight !== undefined && !Number.isNaN(capacity) && { reported: rounded(load.inflight / capacity) }),
    ...(!Number.isNaN(capacity) && { capacityRequests: capacity }),
    ...(load?.capacityRequests !== undefined &&
      load.capacityRequests !== capacity && { reportedCapacity: load.capacityRequests }),
    ...(loads.followed(region) > 0 && { followed: loads.followed(region) }),
    ...(load !== undefined && { reportAgeMs: Math.round(loads.reportAgeMs(region)) }),
    ...((utilisation !== undefined || load !== undefined) && { dispatchedSince: rounded(loads.own.total(region)) }),
    ...(mark !== undefined && { hot: { share: rounded(mark.share), waitMs: Math.round(mark.waitMs) } }),
  }
}

/** Only where something was measured, here or in other regions that it tells of: the prior alone is in the column. */
function believedRttOf(
  { costs }: Workings,
  { compiled }: Question,
  cell: Cell,
  region: number,
): BelievedRtt | undefined {
  const rtt = costs.believedRtt(compiled.rule, cell, region)
  if (rtt === undefined) return undefined
  const { prior, believed, measured, samples, level } = rtt
  if (level === 'prior' && rounded(believed) === rounded(prior)) return undefined
  return {
    prior: rounded(prior),
    believed: rounded(believed),
    level,
    ...(measured !== undefined && { measured: rounded(measured) }),
    ...(samples !== undefined && { samples: rounded(samples) }),
  }
}

function traceRejection(
  workings: Workings,
  request: RouteRequest,
  question: Question,
  choice: Choice,
  cell: Cell,
  state: RegionState,
  region: number,
): TracedRejection {
  const column = columnOf(workings, question, cell, state, region)
  const rtt = believedRttOf(workings, question, cell, region)
  return {
    region: state.region.id,
    tier: state.region.tier,
    ...whyNot(workings, request, question, choice, cell, state, region),
    costMs: total(column),
    column,
    ...(rtt !== undefined && { believed: { rtt } }),
  }
}

type Why = Pick<TracedRejection, 'kind' | 'reason' | 'detail'>

/** The first reason that holds, the least changeable first: a rule's tiers before the region's health. */
function whyNot(
  workings: Workings,
  request: RouteRequest,
  question: Question,
  choice: Choice,
  cell: Cell,
  { region, verdict }: RegionState,
  index: number,
): Why {
  const { compiled, variant, ranking, pin } = question
  const { rule } = compiled
  const forbidden = (reason: string, detail: string): Why => ({ kind: 'forbidden', reason, detail })
  if (!rule.tiers.includes(region.tier) && region.id !== pin?.region) {
    return forbidden('tier', `rule ${rule.name} serves from ${rule.tiers.join(', ')}`)
  }
  const allowed = allowedJurisdictions(rule.residency, cell.country)
  if (!liesIn(region, allowed)) return forbidden('residency', residencyWords(allowed!, cell, region.jurisdiction))
  const lacking = workings.audiences.lacks(variant, index)
  if (lacking === 'capability') return forbidden('capability', lackingWords(rule, request, region))
  if (lacking === 'family') return forbidden('family', 'it has no address of the family asked for')
  if (verdict.condition === 'draining') return forbidden('drained', verdict.detail)
  if (verdict.condition === 'down') return { kind: 'doubtful', reason: verdict.by, detail: verdict.detail }
  if (ranking.reason === 'pinned')
    return { kind: 'later-tier', reason: 'pinned', detail: 'an override names another region' }
  if (ranking.count === 0) return forbidden('pinned', 'an override names one region only, and that one is not up')
  if (choice.turnedAway.includes(index)) {
    return { kind: 'later-tier', reason: 'hot', detail: hotWords(workings, question, region) }
  }
  if (ranking.regions.indexOf(index) < choice.start) {
    return { kind: 'later-tier', reason: 'full', detail: fullWords(workings, index) }
  }
  if (region.weight === 0) {
    return { kind: 'later-tier', reason: 'weight', detail: 'its weight is 0: it takes clients only when no other can' }
  }
  if (ranking.reason === 'default-order') {
    return { kind: 'later-tier', reason: 'default-order', detail: 'the declared default order names others first' }
  }
  return { kind: 'later-tier', reason: 'tier', detail: tierWords(workings, question, choice) }
}

/** What a region has is told as far as it helps to see a misspelt name. */
const mostNames = 3

function lackingWords(rule: Rule, request: RouteRequest, { capabilities }: Region): string {
  const has = capabilities.length > mostNames ? [...capabilities.slice(0, mostNames), '…'] : capabilities
  return `lacks ${brief(capabilityOf(rule, request) ?? '')} (it has ${has.map(brief).join(', ') || 'none'})`
}

/** A client may ask for anything, at any length. */
function brief(name: string): string {
  return name.length > 60 ? `${name.slice(0, 59)}…` : name
}

function residencyWords(allowed: readonly string[], { country }: Cell, jurisdiction: string | undefined): string {
  if (allowed.length === 0) return "the client's country is not known, and the rule refuses such clients"
  return `clients in ${country} are served in ${allowed.join(', ')}; the region is in ${jurisdiction ?? 'no named jurisdiction'}`
}

function hotWords({ hot }: Workings, { capability }: Question, { id }: Region): string {
  const { share, waitMs } = hot.markOf(id, capability)!
  const wait = waitMs > 0 ? `asked to be spared for another ${Math.ceil(waitMs / 1000)} s` : 'was busy a moment ago'
  return `${wait}: ${Math.round(100 * share)} % of its clients are turned away, this one among them`
}

function fullWords({ loads }: Workings, region: number): string {
  return `believed to be at ${Math.round(100 * (loads.utilisation(region) ?? 0))} % of what it can hold`
}

function tierWords({ layout }: Workings, { ranking }: Question, { start }: Choice): string {
  const first = ranking.regions[start]
  return first === undefined ? 'another tier comes first' : `${layout.regions[first]!.tier} can take it`
}
