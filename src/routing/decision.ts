/**
 * What the router answers. An ordered list, never one region: failover is walking it.
 */

import type { Priority, Rule } from '../config/rule.ts'
import type { ClientAddress } from '../geo/address.ts'
import type { Location } from '../geo/location.ts'
import type { Region, Tier } from '../regions/region.ts'
import type { FleetMode } from '../regions/store.ts'
import type { HotMark } from './hot-marks.ts'
import type { BelievedRtt } from './latency/belief.ts'

export interface RouteRequest {
  readonly address: ClientAddress
  /** Host asked for, lower case, without port. */
  readonly host: string
  /** Path without query, as received. */
  readonly path: string
  readonly method: string
  /** Affinity key, where the caller has one at hand; else the rule's affinity header, else the client network. */
  readonly key?: string | undefined
  /** Value of a request header by lower-case name, for rules that read capability or affinity from one. */
  readonly header?: ((name: string) => string | undefined) | undefined
  /** Address family that an answer must have (DNS); absent: any. */
  readonly family?: 4 | 6 | undefined
  /** The answer stands for several requests over its lifetime (DNS). */
  readonly isAnswer?: boolean | undefined
  /** Uniform in [0, 1): its lot where some have to be shed; absent: it is never shed. */
  readonly chance?: number | undefined
}

/**
 * `later-tier`: not needed while an earlier tier can take it. `hot`: asked to be spared for a while. `doubtful`: only when
 * nothing better is left.
 */
export type Standing = 'eligible' | 'later-tier' | 'hot' | 'doubtful' | 'last-resort'

export interface Candidate {
  readonly region: Region
  readonly costMs: number
  readonly standing: Standing
}

export type Reason =
  | 'least-cost' // the cheapest, or one of the cheap ones by the pick
  | 'explored' // the second best, to be measured
  | 'pinned' // an override says where this network belongs
  | 'default-order' // nothing is known of the client
  | 'doubtful' // only regions in doubt were left
  | 'last-resort' // not even those: the rule's last resort
  | 'shed' // every region that may serve it is full, and this is one of those that give way
  | 'none' // nothing at all

/** Is a decision for such a reason one that nobody would want, but for the lack of a better one? */
export function isDegraded(reason: Reason): reason is 'doubtful' | 'last-resort' {
  return reason === 'doubtful' || reason === 'last-resort'
}

export interface Decision {
  /** Best first; empty when no region may serve the request. Built on first use: hot paths read `best`. */
  readonly ranked: readonly Candidate[]
  /** The region to use, undefined when there is none. */
  readonly best: Region | undefined
  readonly ruleName: string
  readonly reason: Reason
  readonly degraded: boolean
  /** Its priority, where it was shed; there is no region then. */
  readonly shed?: Priority | undefined
  readonly snapshotVersion: number
  /** Where the client was found; looked up on first use. */
  readonly location: Location | undefined
}

/** Milliseconds; they add up to the cost. */
export interface CostColumn {
  readonly rtt: number
  readonly service: number
  readonly toll: number
  readonly barrier: number
  readonly tier: number
  readonly bias: number
  /** Only where nothing is known of the client: 100 ms for each place down the declared default order. */
  readonly order?: number
}

export interface Believed {
  /** Why the round trip is taken to be what it is; absent where the way starts at the router. */
  readonly rtt?: BelievedRtt
  /** Corrected utilisation, fraction of capacity. */
  readonly utilisation?: number
  /** Utilisation as last reported. */
  readonly reported?: number
  /** What is believed of its capacity, and what it says itself where that is something else. */
  readonly capacityRequests?: number
  readonly reportedCapacity?: number
  /** Of all routers, proxied and not over yet: at least a part of these is believed to be there, whatever it reports. */
  readonly followed?: number
  readonly reportAgeMs?: number
  /** Requests sent there by this router since the report, decayed. */
  readonly dispatchedSince?: number
  /** It has answered that it is busy: share of clients that are turned away, and how long it is still to be spared. */
  readonly hot?: HotMark
}

export interface TracedCandidate {
  readonly region: string
  readonly tier: Tier
  readonly costMs: number
  readonly share: number
  readonly column: CostColumn
  readonly believed?: Believed
}

export type RejectionKind = 'forbidden' | 'doubtful' | 'later-tier'

export interface TracedRejection {
  readonly region: string
  readonly tier: Tier
  readonly kind: RejectionKind
  /** One word for machines: tier, residency, capability, family, drained, probe, lease, pinned, hot, full, weight, default-order. */
  readonly reason: string
  /** One sentence for people. */
  readonly detail: string
  readonly costMs: number
  readonly column: CostColumn
  readonly believed?: Pick<Believed, 'rtt'>
}

export interface TracedSnapshot {
  readonly version: number
  readonly ageMs: number
  /** While an operator holds the brake: the fleet is not on `auto`. */
  readonly mode?: FleetMode
  /** `router.id` of the router that sets the tolls; absent: none does at this moment. */
  readonly leader?: string
  /** The lead under which the tolls were set, and how long ago; absent: none were ever set. */
  readonly tolls?: { readonly term: number; readonly ageMs: number }
}

/** The full reasoning of exactly one `route()` call; the shape of `GET /v1/explain`. */
export interface Trace {
  readonly client: { readonly address: string; readonly network: string; readonly location?: Location }
  readonly rule: string
  readonly transport: string
  readonly audience: string
  readonly snapshot: TracedSnapshot
  readonly pick: { readonly key: string; readonly kind: string; readonly temperatureMs: number }
  readonly reason: Reason
  readonly degraded: boolean
  /** Region that the decision names first; null where there is none. */
  readonly region: string | null
  /** Only while every region that may serve it is full. `probability`: of being answered 503 instead. */
  readonly shedding?: { readonly priority: Priority; readonly probability: number }
  readonly candidates: readonly TracedCandidate[]
  readonly rejected: readonly TracedRejection[]
}

export interface Router {
  /** Names the rule that a request falls under, without deciding. */
  match(host: string, path: string, method: string): Rule
  /** Decides and counts as a dispatch. Synchronous; never throws for any request. */
  route(request: RouteRequest): Decision
  /** The same decision with its full reasoning; does not count as a dispatch. */
  explain(request: RouteRequest): Trace
}

/** A request under way. */
export interface Flight {
  /** The region answered that it is busy, and wants to be spared for `waitMs`; 1 to 60 s are believed. Before `end`. */
  refused(waitMs: number): void
  /** It is over, in whatever way; a second call does nothing. */
  end(): void
}

/** The router as it is seen by whoever carries requests to regions and knows what becomes of them. */
export interface FollowingRouter extends Router {
  /**
   * The request of a decision goes to this region, and the caller says when that is over: it is counted until then. Where
   * another region is tried, that is a flight of its own; the decision's dispatch is taken back once.
   */
  follow(decision: Decision, region: string): Flight
}
