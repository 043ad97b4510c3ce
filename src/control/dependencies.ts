/** What the control API needs from the rest of the router, as plain functions and interfaces. */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Clock, Random } from '../clock.ts'
import type { Certificate, Token } from '../config/config.ts'
import type { AllowedEndpoints } from '../regions/allowed-endpoints.ts'
import type { DrainTracker } from '../regions/drain-estimate.ts'
import type { EndpointGuard } from '../regions/endpoint-guard.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import type { RegionStore } from '../regions/store.ts'
import type { Router } from '../routing/decision.ts'
import type { LatencySample } from '../routing/latency/latency-model.ts'
import type { ConditionEvent } from './event-hub.ts'
import type { KnownFleet } from './fleet-reading.ts'
import type { RateLimit } from './rate-limit.ts'

export interface Access {
  readonly tokens: readonly Token[]
  /** Subjects of client certificates that count like tokens; TLS with a client CA only. */
  readonly certificates?: readonly Certificate[]
  /** Reading without a token, for a listener that only this machine can reach. */
  readonly openReading: boolean
  /** Names by which the API is called, beside loopback and the address that was connected to. */
  readonly hosts?: readonly string[]
  /** For each token, and for each peer without one. */
  readonly rateLimit?: RateLimit
}

/** PEM texts. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  /** Who signs the certificates of clients; absent: clients need none. */
  readonly clientCa?: string | undefined
}

export interface LatencyIntake {
  /**
   * @param source name of whoever reports it
   * @returns why it was left out, undefined where it counts
   */
  record(sample: LatencySample, source: string): string | undefined
}

export interface ControlDependencies {
  readonly store: RegionStore
  readonly router: Router
  /** Its time is milliseconds since 1970, for expiry and the audit log. */
  readonly clock: Clock
  /** The snapshot that decisions are made from at this moment. */
  readonly currentSnapshot: () => Snapshot
  /** What that was made from, shown while the store cannot be read; absent: nothing is shown then. */
  readonly knownFleet?: () => KnownFleet | undefined
  /** Takes what the store knows into use at once: what a write has changed is in effect when it is answered. */
  readonly refresh: () => Promise<void>
  /** Tells of regions that go down and come back as this router sees it; absent: only what the store tells is told. */
  readonly watchConditions?: (listener: (event: ConditionEvent) => void) => () => void
  /** Who may read and write at first. */
  readonly access: Access
  /** Absent: plain HTTP. */
  readonly tls?: TlsMaterial | undefined
  /** `control.allowedEndpoints`: where a region may register itself. */
  readonly allowedEndpoints: AllowedEndpoints
  /** Knows the listeners of this router and of the others, which no region may name; absent: only the list counts. */
  readonly guard?: EndpointGuard
  /** Tells when a draining region will be empty; absent: nothing is told. */
  readonly drains?: DrainTracker
  /** Takes measured round trips; absent: none are wanted. */
  readonly latency?: LatencyIntake | undefined
  /** Called for every batch of them, as far as it was taken. Must not throw. */
  readonly countLatencySamples?: (accepted: number, rejected: number) => void
  /** Draws lots for `/v1/route` where some requests have to be shed; absent: none is. */
  readonly random?: Random
  /** This many bytes that nobody can guess. */
  readonly randomBytes: (count: number) => Buffer
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  /** Whether clients should be sent to this router, and why not. */
  readonly ready: () => { readonly ready: boolean; readonly reasons: readonly string[] }
  /** Of the program, for the API's document. */
  readonly version: string
  /** Where faults of our own are logged; absent: nowhere. */
  readonly log?: FastifyBaseLogger
}

export type ControlServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** The server to call `listen()` on, and what can be changed while it runs. */
export type ControlApp = ControlServer & {
  /** From now on others may read and write: the next call of whoever was taken out is refused. */
  useAccess(access: Access): void
}
