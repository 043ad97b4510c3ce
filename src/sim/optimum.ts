/**
 * How good a router could be that knew everything: for each time of constant demand the cheapest split of the world's
 * clients over its regions, in which no region is filled beyond what queues bear. No policy that serves everyone without
 * waits has less mean round trip.
 */

import { MeridianError } from '../errors.ts'
import { activeChanges, type ConstantSpan, capacityAt, constantSpans, demandAt } from './demand.ts'
import type { OptimumResult, SimulationResult } from './result.ts'
import { loadHighs, TransportSolver } from './transport.ts'
import type { World } from './world.ts'

/** Utilisation that regions may have, as long as that is room enough. */
const usualTarget = 0.88
/** Above the fleet's utilisation: less, and nobody would have a choice. */
const leastSlack = 0.04

export interface OptimumInterval {
  readonly fromMs: number
  readonly toMs: number
  readonly requestsPerSecond: number
  /** Mean round trip, ms. */
  readonly meanMs: number
  /** Highest utilisation that it was allowed. */
  readonly target: number
  /** Share of each city's requests for each region, city by city. */
  readonly shares: Float64Array
}

export interface Optimum {
  readonly meanMs: number
  /** In order of time; times in which nobody asks or nobody could serve have none. */
  readonly intervals: readonly OptimumInterval[]
}

/**
 * Solves one transport problem for each interval of constant demand and capacity.
 *
 * @returns undefined when nobody asks at any time that somebody could serve
 */
export async function computeOptimum(world: World): Promise<Optimum | undefined> {
  const solver = new TransportSolver(await loadHighs(), world.truthMs, world.cities.length, world.regions.length)
  try {
    const intervals = constantSpans(world).flatMap(span => bestSplit(world, solver, span) ?? [])
    if (intervals.length === 0) return undefined
    let [requests, sum] = [0, 0]
    for (const { fromMs, toMs, requestsPerSecond, meanMs } of intervals) {
      requests += requestsPerSecond * (toMs - fromMs)
      sum += requestsPerSecond * (toMs - fromMs) * meanMs
    }
    return { meanMs: sum / requests, intervals }
  } finally {
    solver.close()
  }
}

function bestSplit(world: World, solver: TransportSolver, span: ConstantSpan): OptimumInterval | undefined {
  const demand = wholeDemand(world, span)
  const stayMs = stayAt(world, span.fromMs)
  /** Requests a second that keep every slot busy. */
  const most = capacityAt(world, span.fromMs).map((slots, region) => (1000 * slots) / stayMs[region]!)
  const requestsPerSecond = sum(demand)
  const load = requestsPerSecond / sum(most)
  if (requestsPerSecond === 0 || !Number.isFinite(load)) return undefined
  const target = Math.max(usualTarget, load + leastSlack)
  const room = most.map(rate => target * rate)
  const amounts = solver.solve(demand, room)
  // Every region can serve every city, and there is room for all of them.
  if (amounts === undefined) throw new MeridianError('INTERNAL', `no optimum was found at ${span.fromMs} ms`)
  const meanMs = sum(amounts.map((amount, cell) => amount * world.truthMs[cell]!)) / requestsPerSecond
  return { ...span, requestsPerSecond, meanMs, target, shares: sharesOf(world, amounts) }
}

/** Requests a second by city, with bursts, or as recorded: on the average of the span. */
function wholeDemand(world: World, { fromMs, toMs }: ConstantSpan): Float64Array {
  const { trace, bursts } = world.demand
  const demand = demandAt(world, fromMs)
  const usual = sum(demand)
  const arrived = trace?.atMs.reduce((count, at) => (at >= fromMs && at < toMs ? count + 1 : count), 0)
  const base = arrived === undefined ? usual : (1000 * arrived) / (toMs - fromMs)
  const whole = base + (bursts === undefined ? 0 : bursts.perSecond * bursts.clients)
  return usual > 0 ? demand.map(rate => (rate * whole) / usual) : demand
}

/** How long a request keeps a slot, by region, ms. */
function stayAt(world: World, at: number): Float64Array {
  const { trace } = world.demand
  const meanMs = trace === undefined ? world.service.meanMs : sum(trace.serviceMs) / trace.serviceMs.length
  const stay = new Float64Array(world.regions.length).fill(meanMs)
  for (const change of activeChanges(world, at)) {
    if (change.kind === 'slow') for (const region of change.regions) stay[region]! *= change.factor
  }
  return stay
}

/** A city that does not ask now gets its nearest region, for whoever asks all the same. */
function sharesOf(world: World, amounts: Float64Array): Float64Array {
  const regions = world.regions.length
  const shares = new Float64Array(amounts.length)
  for (let from = 0; from < amounts.length; from += regions) {
    const row = amounts.subarray(from, from + regions)
    const total = sum(row)
    if (total > 0)
      shares.set(
        row.map(amount => amount / total),
        from,
      )
    else shares[from + nearest(world.truthMs.subarray(from, from + regions))] = 1
  }
  return shares
}

/** The optimum in force at this time; that of the next interval, or of the last, where there is none. */
export function intervalAt({ intervals }: Optimum, now: number): OptimumInterval {
  return intervals.find(({ toMs }) => now < toMs) ?? intervals.at(-1)!
}

/** The result with the optimum beside it, and how far the one is from the other. */
export function withOptimum(result: SimulationResult, optimum: Optimum): SimulationResult {
  const { meanMs, intervals } = optimum
  const within = (seconds: number) =>
    intervals.find(({ fromMs, toMs }) => 1000 * seconds >= fromMs && 1000 * seconds < toMs)?.meanMs ?? null
  const written: OptimumResult = {
    meanMs,
    intervals: intervals.map(interval => ({
      fromSeconds: interval.fromMs / 1000,
      toSeconds: interval.toMs / 1000,
      meanMs: interval.meanMs,
      target: interval.target,
    })),
  }
  return {
    ...result,
    totals: { ...result.totals, overOptimum: result.totals.meanCostMs / meanMs - 1 },
    series: { ...result.series, optimumMs: result.series.seconds.map(within) },
    optimum: written,
  }
}

function nearest(row: Float64Array): number {
  return row.reduce((best, ms, region) => (ms < row[best]! ? region : best), 0)
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}
