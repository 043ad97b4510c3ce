/**
 * From what stands in Redis to records of the fleet. What is read there is as little trusted as what comes over the API:
 * a region, report or drain that does not pass the same checks is left out and told once.
 *
 * Keeps what it has parsed, so that what has not changed costs nothing and stays the same object.
 */

import { checker, formatFault, shown } from '../schema.ts'
import { type AllowedEndpoints, requireAllowedEndpoints } from './allowed-endpoints.ts'
import { checkRegion } from './check-region.ts'
import { LoadReport, type ReceivedLoadReport } from './load-report.ts'
import type { Region } from './region.ts'
import type { Drain, Lease } from './store.ts'

export interface RegisteredRecord {
  readonly region: Region
  readonly revision: number
  readonly registeredAt: number
  readonly lease: Lease
  readonly load?: ReceivedLoadReport
}

const checkReport = checker(LoadReport)

/** Parses values of one kind, each again only when its text has changed. */
class Parsed<T> {
  #known = new Map<string, { readonly text: string; readonly value: T | undefined }>()
  readonly #parse: (id: string, text: string) => T
  readonly #onFault: (message: string) => void
  readonly #what: string

  constructor(what: string, parse: (id: string, text: string) => T, onFault: (message: string) => void) {
    this.#what = what
    this.#parse = parse
    this.#onFault = onFault
  }

  /** @param flat names and values in turn, as Redis gives a hash */
  take(flat: readonly string[]): void {
    const before = this.#known
    this.#known = new Map()
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [id, text] = [flat[i]!, flat[i + 1]!]
      const known = before.get(id)
      this.#known.set(id, known?.text === text ? known : { text, value: this.#try(id, text) })
    }
  }

  /** Parses all of them again: for when what is accepted has changed. */
  again(): void {
    this.#known = new Map([...this.#known].map(([id, { text }]) => [id, { text, value: this.#try(id, text) }]))
  }

  get(id: string): T | undefined {
    return this.#known.get(id)?.value
  }

  *entries(): Iterable<readonly [string, T]> {
    for (const [id, { value }] of this.#known) if (value !== undefined) yield [id, value]
  }

  #try(id: string, text: string): T | undefined {
    try {
      return this.#parse(id, text)
    } catch (error) {
      this.#onFault(`${this.#what} of region ${shown(id)} in Redis is left out: ${(error as Error).message}`)
      return undefined
    }
  }
}

/** The parts of one reading, as flat hashes. */
export interface RawFleet {
  /** Undefined: as in the reading before. */
  readonly regions: readonly string[] | undefined
  readonly leases: readonly string[]
  readonly loads: readonly string[]
  readonly drains: readonly string[]
}

export class RedisRecords {
  readonly #regions: Parsed<Region>
  readonly #leases: Parsed<Omit<RegisteredRecord, 'region' | 'load'>>
  readonly #loads: Parsed<ReceivedLoadReport>
  readonly #drains: Parsed<Drain>
  readonly #allowed: AllowedEndpoints
  /** Those that the regions were held against. */
  #patterns: readonly string[]

  /** @param onFault called once for every text that is left out */
  constructor(allowed: AllowedEndpoints, onFault: (message: string) => void) {
    this.#allowed = allowed
    this.#patterns = allowed.patterns
    this.#regions = new Parsed('the specification', (id, text) => parseRegion(id, text, allowed), onFault)
    this.#leases = new Parsed('the lease', (_id, text) => parseLease(text), onFault)
    this.#loads = new Parsed('the load report', (_id, text) => parseLoad(text), onFault)
    this.#drains = new Parsed('the drain', (_id, text) => parseDrain(text), onFault)
  }

  take({ regions, leases, loads, drains }: RawFleet): void {
    if (this.#patterns !== this.#allowed.patterns) {
      this.#patterns = this.#allowed.patterns
      this.#regions.again()
    }
    if (regions !== undefined) this.#regions.take(regions)
    this.#leases.take(leases)
    this.#loads.take(loads)
    this.#drains.take(drains)
  }

  registered(): ReadonlyMap<string, RegisteredRecord> {
    const records = new Map<string, RegisteredRecord>()
    for (const [id, region] of this.#regions.entries()) {
      const lease = this.#leases.get(id)
      if (lease === undefined) continue
      const load = this.#loads.get(id)
      records.set(id, { region, ...lease, ...(load?.epoch === lease.lease.epoch && { load }) })
    }
    return records
  }

  /** Of regions that are not among `ids`. */
  drainsBeside(ids: ReadonlySet<string>): ReadonlyMap<string, Drain> {
    return new Map([...this.#drains.entries()].filter(([id]) => !ids.has(id)))
  }

  drainOf(id: string): Drain | undefined {
    return this.#drains.get(id)
  }
}

function parseRegion(id: string, text: string, allowed: AllowedEndpoints): Region {
  const region = checkRegion(JSON.parse(text), 'it')
  if (region.id !== id) throw new Error(`its id is ${shown(region.id)}`)
  requireAllowedEndpoints(region, allowed)
  return region
}

function parseLease(text: string): Omit<RegisteredRecord, 'region' | 'load'> {
  const match = /^(\d{1,16}) (\d{1,16}) (\d{1,16}) (\d{1,16}) -?\d{1,16}$/.exec(text)
  if (match === null) throw new Error(`expected five whole numbers, not ${shown(text)}`)
  const [, epoch, revision, registeredAt, expiresAt] = match.map(Number)
  return { revision: revision!, registeredAt: registeredAt!, lease: { epoch: epoch!, expiresAt: expiresAt! } }
}

function parseLoad(text: string): ReceivedLoadReport {
  const { at, value } = parseStamped(text)
  const checked = checkReport(value)
  if (!checked.ok) throw new Error(checked.faults.map(formatFault).join('; '))
  return { ...checked.value, receivedAt: at }
}

function parseDrain(text: string): Drain {
  const { at, value } = parseStamped(text)
  const { by, reason } = value as Partial<Record<keyof Drain, unknown>>
  if (typeof by !== 'string' || typeof reason !== 'string') throw new Error('expected who and why')
  return { by, at, reason }
}

/** A time of Redis, then JSON. */
function parseStamped(text: string): { readonly at: number; readonly value: object } {
  const match = /^(\d{1,16}) (\{.*\})$/s.exec(text)
  if (match === null) throw new Error(`expected a time and JSON, not ${shown(text)}`)
  return { at: Number(match[1]), value: JSON.parse(match[2]!) as object }
}
