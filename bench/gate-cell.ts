/** One cell of the gate: its two worlds, and what is read off their runs. Times in ms. */

import type { SimulationResult } from '../src/sim/result.ts'
import type { World } from '../src/sim/world.ts'

export interface GateCell {
  readonly stayMs: number
  /** 0: requests are proxied; else they come by DNS. */
  readonly ttlMs: number
  readonly reportEveryMs: number
  readonly routers: number
}

const steadyLoad = 0.8
const loadBeforeStep = 0.6
const step = 1.35
/** A mean over so many samples, one a second, is what a person calls busy. */
const averaged = 5

/** Until a fleet that begins empty, with routers that know nothing, has settled. */
export function settlingMs({ stayMs, ttlMs }: GateCell): number {
  return Math.max(60_000, 2 * ttlMs, 4 * stayMs)
}

/** How long it is then watched: many stays, or nothing could be said of it; at most 600 s in all, so that samples are not averaged. */
function watchedMs({ stayMs }: GateCell): number {
  return Math.max(180_000, 10 * stayMs)
}

/** @param base a world without changes */
export function steadyWorld(base: World, cell: GateCell): World {
  return worldOf(base, cell, steadyLoad)
}

/** All clients ask for 35 % more from `settlingMs` on. */
export function stepWorld(base: World, cell: GateCell): World {
  const world = worldOf(base, cell, loadBeforeStep)
  const cities = [...world.cities.keys()]
  const span = { fromMs: settlingMs(cell), toMs: world.durationMs, label: 'everybody × 1.35' }
  return { ...world, changes: [{ kind: 'demand', ...span, cities, factor: step }] }
}

function worldOf(base: World, cell: GateCell, load: number): World {
  const slots = base.regions.reduce((sum, { capacityRequests }) => sum + capacityRequests!, 0)
  const perSecond = base.demand.perSecond.reduce((sum, each) => sum + each, 0)
  const scale = (load * slots * 1000) / (cell.stayMs * perSecond)
  const byDns = cell.ttlMs > 0
  return {
    ...base,
    durationMs: settlingMs(cell) + watchedMs(cell),
    demand: { ...base.demand, perSecond: base.demand.perSecond.map(each => each * scale) },
    service: { ...base.service, meanMs: cell.stayMs },
    routers: {
      ...base.routers,
      count: cell.routers,
      reportEveryMs: cell.reportEveryMs,
      transport: { proxy: byDns ? 0 : 1, redirect: 0, dns: byDns ? 1 : 0 },
      ttlMs: cell.ttlMs,
    },
  }
}

/** Standard deviation of the 5-second mean utilisation from a time on, of the region where it is highest. */
export function swingFrom({ regions }: Pick<SimulationResult, 'regions'>, fromMs: number): number {
  return Math.max(...regions.map(({ utilisation }) => deviation(means(utilisation, fromMs))))
}

/** Highest 5-second mean utilisation of any region from a time on. */
export function overshootAfter({ regions }: Pick<SimulationResult, 'regions'>, fromMs: number): number {
  return Math.max(...regions.map(({ utilisation }) => Math.max(...means(utilisation, fromMs))))
}

/** Of every five samples in a row, from a time on. */
function means(samples: readonly number[], fromMs: number): number[] {
  const watched = samples.slice(fromMs / 1000)
  return watched.slice(averaged - 1).map((_, from) => mean(watched.slice(from, from + averaged)))
}

function deviation(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(mean(values.map(value => (value - middle) ** 2)))
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
