/**
 * Tolls as a fleet keeps them: one price for each region, set by the router that leads, the same for all.
 *
 * Which prices are right is routing's to know; here is how they are kept, who may set them, and how long they are believed.
 */

import Type from 'typebox'
import { checker, formatFault, shown } from '../schema.ts'
import { mostRegions } from './fleet-size.ts'
import { RegionId } from './region.ts'

export interface FleetTolls {
  /** Milliseconds by region id; 0 where absent. */
  readonly byRegion: ReadonlyMap<string, number>
  /** Rises with every change of the lead. */
  readonly term: number
  /** Milliseconds on the store's clock. */
  readonly setAt: number
}

/** Without news, tolls are believed as they are for so long, ms … */
export const tollsHeldMs = 10_000
/** … and then become half as much in so long, ms: the traffic that they were made for is gone little by little. */
const halvingMs = 30_000

/**
 * How much of a toll is left.
 *
 * @param ageMs since it was set
 * @returns 1 for ten seconds, then half as much every half minute
 */
export function tollShare(ageMs: number): number {
  return 2 ** (-Math.max(0, ageMs - tollsHeldMs) / halvingMs)
}

/** More than any toll that means anything, ms. */
const mostMs = 10_000

const checkByRegion = checker(
  Type.Record(RegionId, Type.Number({ minimum: 0, maximum: mostMs }), {
    additionalProperties: false,
    maxProperties: mostRegions,
  }),
)

/** As JSON, to a hundredth of a millisecond, without those that are 0. */
export function formatTolls(byRegion: ReadonlyMap<string, number>): string {
  const entries = [...byRegion].map(([id, ms]) => [id, Math.round(100 * ms) / 100] as const)
  return JSON.stringify(Object.fromEntries(entries.filter(([, ms]) => ms > 0)))
}

/** From `term setAt {"region":ms,…}`. @throws Error with every fault */
export function parseTolls(text: string): FleetTolls {
  const [, term, setAt, json] = /^(\d{1,15}) (\d{1,15}) (\{.*\})$/s.exec(text) ?? []
  if (json === undefined) throw new Error(`expected a term, a time and JSON, not ${shown(text)}`)
  const checked = checkByRegion(JSON.parse(json))
  if (!checked.ok) throw new Error(checked.faults.slice(0, 3).map(formatFault).join('; '))
  return { byRegion: new Map(Object.entries(checked.value)), term: Number(term), setAt: Number(setAt) }
}
