/** What the data plane tells whoever listens: metrics, logs, health. Plain records; it knows none of them. */

import type { Priority, Transport } from '../config/rule.ts'
import type { ErrorCode } from '../errors.ts'
import type { ClientAddress } from '../geo/address.ts'
import type { Reason } from '../routing/decision.ts'
import type { FailureKind } from './forwarder.ts'

/** One exchange, told when it is over. */
export interface ExchangeRecord {
  readonly requestId: string
  readonly client: ClientAddress
  readonly method: string
  readonly host: string
  /** Without query, which may hold secrets. */
  readonly path: string
  /** Absent where the request was refused before a rule was found. */
  readonly rule?: string | undefined
  readonly transport?: Transport | undefined
  readonly reason?: Reason | undefined
  readonly degraded?: boolean | undefined
  /** Region that the client was sent to, or that answered; where none answered, the one decided for. */
  readonly region?: string | undefined
  /** Origins tried; 0 where nothing was proxied. */
  readonly tries: number
  /** 0: the client left before an answer began. */
  readonly status: number
  /** false: the connection broke before the answer was handed over. */
  readonly whole: boolean
  /** Body bytes of the answer. */
  readonly bodyBytes: number
  readonly durationMs: number
  readonly errorCode?: ErrorCode | undefined
  /** Its priority, where it was shed. */
  readonly shed?: Priority | undefined
}

/** One try at one region began. */
export interface DispatchRecord {
  readonly region: string
  readonly requestId: string
}

/** The same try is over; exactly one for every dispatch. */
export interface FinishRecord extends DispatchRecord {
  readonly durationMs: number
  /** Time to the first byte of the answer; absent where none came. */
  readonly firstByteMs?: number | undefined
  readonly status?: number | undefined
  /** It answered that it is busy: 429, or 503 with Retry-After. Says nothing against its health. */
  readonly refused?: boolean
  /** What went wrong on the region's side. */
  readonly failure?: FailureKind | undefined
  /** The reason in words, for logs; names addresses of origins. */
  readonly detail?: string | undefined
  /** The client left first: says nothing about the region. */
  readonly cancelled: boolean
}

export interface EdgeObserver {
  onExchange?(record: ExchangeRecord): void
  onDispatch?(record: DispatchRecord): void
  onFinish?(record: FinishRecord): void
  /** A fault of the router itself while it served a request, which was answered 500. */
  onFault?(error: unknown, requestId: string): void
}
