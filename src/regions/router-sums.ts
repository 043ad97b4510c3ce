/**
 * What the routers of a fleet tell each other of their traffic, in words that mean the same to all of them, and how it is
 * written for another router to read. Read with the same distrust as everything that a store holds.
 *
 * Compact, since it is written several times a second: what is zero is left out, digits that mean nothing are cut.
 */

import Type from 'typebox'
import { type Checker, checker, formatFault } from '../schema.ts'
import { mostRegions } from './fleet-size.ts'
import { RegionId } from './region.ts'

/** Where a router's requests are. */
export interface FlightSums {
  /** Requests in flight by region id: those that the router follows to their end, and those that it can only reckon. */
  readonly open: Readonly<Record<string, number>>
  readonly modelled: Readonly<Record<string, number>>
  /** Requests a second that were sent one by one, and answers a second that stand for several. */
  readonly sentPerSecond: number
  readonly answersPerSecond: number
}

/** Clients that get the same plan. */
export interface AudienceKey {
  readonly rule: string
  readonly capability?: string
  readonly family?: 4 | 6
  /** Centre of the cell; absent: nothing known. */
  readonly latitude?: number
  readonly longitude?: number
  readonly country?: string
}

/** And how much they ask for. */
export interface AudienceDemand extends AudienceKey {
  readonly requestsPerSecond: number
}

/** What a router is asked for. */
export interface DemandSums {
  /** The largest audiences. */
  readonly demand: readonly AudienceDemand[]
  /** Requests a second of the others. */
  readonly restPerSecond: number
}

export type RouterSums = FlightSums & DemandSums

/** Enough for a thousand audiences, or for every region of the largest fleet. */
const mostCharacters = 1024 * 1024
/** A longer one came from a header field, and no region has it. */
const longestCapability = 255
/** Less than this of a request is none. */
const leastInflight = 0.005

const Amount = Type.Number({ minimum: 0, maximum: 1e9 })
const ByRegion = Type.Record(RegionId, Amount, { additionalProperties: false, maxProperties: mostRegions })

/** Later routers may tell more. */
const Flights = Type.Object({ open: ByRegion, modelled: ByRegion, sentPerSecond: Amount, answersPerSecond: Amount })

const orNull = { number: ['number', 'null'], string: ['string', 'null'] } as const

/** Latitude, longitude, country, requests a second. */
const Cell = Type.Tuple([
  Type.Unsafe<number | null>({ type: orNull.number, minimum: -90, maximum: 90 }),
  Type.Unsafe<number | null>({ type: orNull.number, minimum: -180, maximum: 180 }),
  Type.Unsafe<string | null>({ type: orNull.string, maxLength: 2 }),
  Amount,
])

const Demand = Type.Object({
  audiences: Type.Array(
    Type.Object({
      rule: Type.String({ minLength: 1, maxLength: 63 }),
      capability: Type.Optional(Type.String({ maxLength: longestCapability })),
      family: Type.Optional(Type.Unsafe<4 | 6>(Type.Integer({ enum: [4, 6] }))),
      cells: Type.Array(Cell, { maxItems: 10_000 }),
    }),
    { maxItems: 1_000 },
  ),
  restPerSecond: Amount,
})

const checkFlights = checker(Flights)
const checkDemand = checker(Demand)

export function formatFlights({ open, modelled, sentPerSecond, answersPerSecond }: FlightSums): string {
  return JSON.stringify({
    open: withoutZeros(open),
    modelled: withoutZeros(modelled),
    sentPerSecond: brief(sentPerSecond),
    answersPerSecond: brief(answersPerSecond),
  })
}

/** From what another router wrote. @throws Error with every fault */
export function parseFlights(text: string): FlightSums {
  const { open, modelled, sentPerSecond, answersPerSecond } = parse(text, checkFlights)
  return { open: bare(open), modelled: bare(modelled), sentPerSecond, answersPerSecond }
}

/** Audiences that differ in their cell only are written together. */
export function formatDemand({ demand, restPerSecond }: DemandSums): string {
  const groups = Map.groupBy(
    demand.filter(({ capability = '' }) => capability.length <= longestCapability),
    ({ rule, capability, family }) => JSON.stringify([rule, capability, family]),
  )
  const audiences = [...groups.values()].map(group => {
    const { rule, capability, family } = group[0]!
    const cells = group.map(({ latitude = null, longitude = null, country = null, requestsPerSecond }) => [
      latitude,
      longitude,
      country,
      brief(requestsPerSecond),
    ])
    return { rule, capability, family, cells }
  })
  return JSON.stringify({ audiences, restPerSecond: brief(restPerSecond) })
}

/** From what another router wrote. @throws Error with every fault */
export function parseDemand(text: string): DemandSums {
  const { audiences, restPerSecond } = parse(text, checkDemand)
  const demand = audiences.flatMap(({ cells, ...key }) =>
    cells.map(([latitude, longitude, country, requestsPerSecond]) => ({
      ...key,
      ...(latitude !== null && { latitude }),
      ...(longitude !== null && { longitude }),
      ...(country !== null && { country }),
      requestsPerSecond,
    })),
  )
  return { demand, restPerSecond }
}

function parse<T>(text: string, check: Checker<T>): T {
  if (text.length > mostCharacters) throw new Error(`expected at most ${mostCharacters} characters`)
  const checked = check(JSON.parse(text))
  if (!checked.ok) throw new Error(checked.faults.slice(0, 3).map(formatFault).join('; '))
  return checked.value
}

function withoutZeros(amounts: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(amounts).map(([id, amount]) => [id, brief(amount)] as const)
  return Object.fromEntries(entries.filter(([, amount]) => amount >= leastInflight))
}

/** Four digits are more than any of it is worth. */
function brief(amount: number): number {
  return Number(amount.toPrecision(4))
}

/** Without a prototype: a region may be called `constructor`, and looked up where nobody spoke of it. */
function bare(amounts: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  return Object.assign(Object.create(null), amounts) as Readonly<Record<string, number>>
}
