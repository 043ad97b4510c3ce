/** The exchange of routers that share a fleet through Redis: two hashes with a field for each router, and a lease for the lead. */

import { shown } from '../schema.ts'
import { demandLivesMs, type FleetExchange, flightsLiveMs } from './exchange.ts'
import type { RedisAccess } from './redis-access.ts'
import {
  type DemandSums,
  type FlightSums,
  formatDemand,
  formatFlights,
  parseDemand,
  parseFlights,
} from './router-sums.ts'
import { formatTolls } from './tolls.ts'

export interface RedisExchangeOptions {
  readonly access: RedisAccess
  /** Of this router, and of no other process. */
  readonly name: string
  readonly onWarning: (message: string) => void
}

/** OK, now, then names and what they told, in turn. */
type Told = readonly ['OK', number, readonly string[]]

export class RedisExchange implements FleetExchange {
  readonly #options: RedisExchangeOptions
  readonly #flights: Peers<FlightSums>
  readonly #demand: Peers<DemandSums>

  constructor(options: RedisExchangeOptions) {
    this.#options = options
    this.#flights = new Peers('the traffic', parseFlights, options.onWarning)
    this.#demand = new Peers('the demand', parseDemand, options.onWarning)
  }

  async share(flights: FlightSums, demand?: DemandSums): Promise<readonly FlightSums[]> {
    const { access, name } = this.#options
    const wanted = demand === undefined ? '' : formatDemand(demand)
    const args = [name, flightsLiveMs, formatFlights(flights), demandLivesMs, wanted]
    const [, , others] = (await access.run('share', args)) as Told
    return this.#flights.take(others)
  }

  async demands(): Promise<readonly DemandSums[]> {
    const { access, name } = this.#options
    const [, , others] = (await access.run('demands', [name, demandLivesMs])) as Told
    return this.#demand.take(others)
  }

  async lead(lastsMs: number): Promise<number | undefined> {
    const { access, name } = this.#options
    const [outcome, term] = (await access.run('lead', [name, lastsMs])) as readonly ['OK' | 'OTHER', number]
    return outcome === 'OK' ? term : undefined
  }

  async setTolls(term: number, byRegion: ReadonlyMap<string, number>): Promise<boolean> {
    const { access, name } = this.#options
    const [outcome] = await access.run('setTolls', [name, term, formatTolls(byRegion)])
    return outcome === 'OK'
  }

  async leave(): Promise<void> {
    const { access, name } = this.#options
    await access.run('leave', [name])
  }
}

/** What the others told, each parsed again only when it has changed; a router that tells nonsense is reported once. */
class Peers<T> {
  #known = new Map<string, { readonly text: string; readonly value: T | undefined }>()
  readonly #what: string
  readonly #parse: (text: string) => T
  readonly #onWarning: (message: string) => void

  constructor(what: string, parse: (text: string) => T, onWarning: (message: string) => void) {
    this.#what = what
    this.#parse = parse
    this.#onWarning = onWarning
  }

  take(flat: readonly string[]): readonly T[] {
    const before = this.#known
    this.#known = new Map()
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [name, stamped] = [flat[i]!, flat[i + 1]!]
      const text = stamped.slice(stamped.indexOf(' ') + 1)
      const known = before.get(name)
      const wasWrong = known !== undefined && known.value === undefined
      this.#known.set(name, known?.text === text ? known : { text, value: this.#try(name, text, wasWrong) })
    }
    return [...this.#known.values()].flatMap(({ value }) => value ?? [])
  }

  #try(name: string, text: string, wasWrong: boolean): T | undefined {
    try {
      return this.#parse(text)
    } catch (error) {
      // It may tell something new, and as wrong, several times a second.
      if (!wasWrong) {
        const why = (error as Error).message
        this.#onWarning(`${this.#what} of router ${shown(name)} in Redis is left out: ${why}`)
      }
      return undefined
    }
  }
}
