/** What a region says of its own load in a heartbeat; what arrives is stamped with when it was received. */

import Type, { type Static } from 'typebox'

const Fraction = (maximum = 1) => Type.Optional(Type.Number({ minimum: 0, maximum }))

export const LoadReport = Type.Object(
  {
    /** Issued by registration; a report of an older epoch comes from a previous life of the region. */
    epoch: Type.Integer({ minimum: 0 }),
    /** Rises with every report of an epoch. */
    sequence: Type.Integer({ minimum: 0 }),
    inflight: Type.Optional(Type.Number({ minimum: 0, maximum: 1e9 })),
    capacityRequests: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1e9 })),
    queueDepth: Type.Optional(Type.Number({ minimum: 0, maximum: 1e9 })),
    queueLimit: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1e9 })),
    requestsPerSecond: Type.Optional(Type.Number({ minimum: 0, maximum: 1e9 })),
    /** Fractions of what the region has. */
    cpu: Fraction(),
    memory: Fraction(),
    kvCache: Fraction(),
    errorRate: Fraction(),
    /** Mean time that a request stays in the region. */
    latencyMs: Type.Optional(Type.Number({ minimum: 0, maximum: 1e9 })),
    /** Mean time to the first byte of an answer; of a language model, to the first token. */
    firstByteMs: Type.Optional(Type.Number({ minimum: 0, maximum: 1e9 })),
  },
  { additionalProperties: false },
)

export type LoadReport = Static<typeof LoadReport>

export interface ReceivedLoadReport extends LoadReport {
  /** Milliseconds on the store's clock; ages are taken on that clock only. */
  readonly receivedAt: number
}

/** Whether the capacity is another one than before, by more than a tenth: worth looking at before the next interval. */
export function reportsOtherCapacity(
  { capacityRequests: before }: Pick<LoadReport, 'capacityRequests'>,
  { capacityRequests: after }: Pick<LoadReport, 'capacityRequests'>,
): boolean {
  if (before === undefined || after === undefined) return before !== after
  return Math.abs(after - before) > 0.1 * before
}
