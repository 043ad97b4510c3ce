/**
 * Who asks for how much and who could serve it, at any moment of a world: constant between the spans given here, so that
 * arrivals can be drawn and the optimum computed.
 */

import type { Change, World } from './world.ts'

const hourMs = 3_600_000
/** A daily curve is followed in steps of this length. */
const dailyStepMs = hourMs / 4

export interface ConstantSpan {
  readonly fromMs: number
  readonly toMs: number
}

/** The run, cut wherever demand or capacity changes. */
export function constantSpans(world: World): ConstantSpan[] {
  const cuts = new Set([0, world.durationMs])
  for (const { fromMs, toMs } of world.changes) cuts.add(fromMs).add(toMs)
  if (world.demand.daily) for (let at = 0; at < world.durationMs; at += dailyStepMs) cuts.add(at)
  const times = [...cuts].filter(at => at <= world.durationMs).sort((a, b) => a - b)
  return times.slice(1).map((toMs, index) => ({ fromMs: times[index]!, toMs }))
}

/** Requests a second by city; without bursts, which come on top. */
export function demandAt(world: World, at: number): Float64Array {
  const { perSecond, daily } = world.demand
  const demand = Float64Array.from(perSecond, (rate, city) =>
    daily ? rate * daylight(at, world.cities[city]!.longitude) : rate,
  )
  for (const change of activeChanges(world, at)) {
    if (change.kind === 'demand') for (const city of change.cities) demand[city]! *= change.factor
  }
  return demand
}

/** Whole slots by region: at least one, or 0 while it is down. Says nothing of a slow start. */
export function capacityAt(world: World, at: number): Float64Array {
  const slots = Float64Array.from(world.regions, region => region.capacityRequests!)
  const active = activeChanges(world, at)
  for (const change of active) {
    if (change.kind === 'capacity') for (const region of change.regions) slots[region]! *= change.factor
  }
  const whole = slots.map(count => Math.max(1, Math.floor(count)))
  for (const change of active) if (change.kind === 'down') for (const region of change.regions) whole[region] = 0
  return whole
}

/** What happens at this moment. */
export function activeChanges(world: World, at: number): Change[] {
  return world.changes.filter(({ fromMs, toMs }) => at >= fromMs && at < toMs)
}

/**
 * Factor of a city's demand over its own day, 1 on the whole: least (0.5) at 4 in the morning, most (1.5) at 4 in the afternoon, by
 * the sun. The run starts at midnight UTC.
 */
export function daylight(at: number, longitude: number): number {
  const step = Math.floor(at / dailyStepMs) * dailyStepMs + dailyStepMs / 2
  const localHour = step / hourMs + longitude / 15
  return 1 - 0.5 * Math.cos(((localHour - 4) / 12) * Math.PI)
}
