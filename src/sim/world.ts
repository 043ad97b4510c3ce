/**
 * A simulated world as plain data: who asks, who serves, what lies between them, and what will happen.
 *
 * Made from a scenario file by `scenario/`, run by `simulation.ts`. What is true of the network (`truthMs`) and what
 * routers believe of it (`knownMs`) are two things. Times in ms from the start, matrices by city and region, row by row.
 */

import type { Region } from '../regions/region.ts'

export interface City {
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** Two letters: AF AN AS EU NA OC SA. */
  readonly continent: string
  readonly population: number
}

/** How a client learns where to go: per request, or by an answer that it keeps. */
export type Transport = 'proxy' | 'redirect' | 'dns'

export interface World {
  readonly name: string
  readonly seed: number
  readonly durationMs: number
  readonly cities: readonly City[]
  /** Ordered by id; each with its slots in `capacityRequests`. */
  readonly regions: readonly Region[]
  readonly truthMs: Float64Array
  readonly knownMs: Float64Array
  /** Deviation of the logarithm of the factor, with mean 1, on each round trip; 0: none. */
  readonly jitterSigma: number
  readonly demand: Demand
  readonly service: Service
  /** Requests that wait in one region at most; more are answered 503 at once. */
  readonly queueLimit: number
  readonly clients: Clients
  readonly routers: Routers
  readonly changes: readonly Change[]
}

export interface Demand {
  /** Requests a second by city, before the day and any change. */
  readonly perSecond: Float64Array
  /** Follow the sun: each city's demand over its own day. */
  readonly daily: boolean
  /** Crowds that arrive at once, beside the rest. */
  readonly bursts?: { readonly perSecond: number; readonly clients: number; readonly withinMs: number }
  /** Arrivals as recorded, instead of by chance, each with the time that it needs; shared out over cities by their demand. */
  readonly trace?: { readonly atMs: Float64Array; readonly serviceMs: Float64Array }
}

/** Time that a request occupies a slot. */
export type Service =
  | { readonly kind: 'lognormal'; readonly meanMs: number; readonly sigma: number }
  | { readonly kind: 'exponential'; readonly meanMs: number }
  | { readonly kind: 'constant'; readonly meanMs: number }

export interface Clients {
  /** Equally busy networks of each city. */
  readonly networksPerCity: number
  /** Tries in all, the first included, and how long to wait before each next one. */
  readonly retry: { readonly attempts: number; readonly firstDelayMs: number; readonly factor: number }
  /** A client's whole patience, from its first try; infinite: it waits. */
  readonly timeoutMs: number
}

export interface Routers {
  readonly count: number
  readonly reportEveryMs: number
  readonly reportDelayMs: number
  readonly snapshotEveryMs: number
  readonly publishEveryMs: number
  readonly tollsEveryMs: number
  /** Shares of the requests, together 1. */
  readonly transport: Readonly<Record<Transport, number>>
  /** How long an answer by DNS is kept. */
  readonly ttlMs: number
}

interface Span {
  readonly fromMs: number
  readonly toMs: number
  /** For people: `Asia × 1.35`. */
  readonly label: string
}

/** What happens for a while. Factors of changes at the same time are multiplied. */
export type Change =
  | (Span & { readonly kind: 'demand'; readonly cities: readonly number[]; readonly factor: number })
  | (Span & { readonly kind: 'capacity'; readonly regions: readonly number[]; readonly factor: number })
  /** Every request takes this many times as long. */
  | (Span & { readonly kind: 'slow'; readonly regions: readonly number[]; readonly factor: number })
  /** Dead: refuses connections, sends no reports. Back, it has a tenth of its slots at once and all after `slowStartMs`. */
  | (Span & { readonly kind: 'down'; readonly regions: readonly number[]; readonly slowStartMs: number })
  | (Span & { readonly kind: 'store-lost' })
  /** One router cannot reach the store. */
  | (Span & { readonly kind: 'cut-off'; readonly router: number })
