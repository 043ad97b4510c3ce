/** What the control API needs from the rest of the router, as plain functions and interfaces. */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Token } from '../config/config.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import type { RegionStore } from '../regions/store.ts'
import type { Router } from '../routing/decision.ts'

export interface Access {
  readonly tokens: readonly Token[]
  /** Reading without a token, for a listener that only this machine can reach. */
  readonly openReading: boolean
}

export interface ControlDependencies {
  readonly store: RegionStore
  readonly router: Router
  /** The snapshot that decisions are made from at this moment. */
  readonly currentSnapshot: () => Snapshot
  /** Takes what the store knows into use at once: what a write has changed is in effect when it is answered. */
  readonly refresh: () => Promise<void>
  /** Who may read and write. */
  readonly access: Access
  /** `control.allowedEndpoints`: where a region may register itself. */
  readonly allowedEndpoints: readonly string[]
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
