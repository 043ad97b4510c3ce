/** What routers of a fleet tell each other of measured round trips. */

import Type, { type Static } from 'typebox'

export const SharedSample = Type.Object(
  {
    /** /24 or /48 in CIDR notation. */
    network: Type.String({ maxLength: 64 }),
    region: Type.String({ maxLength: 63 }),
    /** Geometric mean of as many measurements as `weight` says. */
    rttMs: Type.Number({ exclusiveMinimum: 0 }),
    weight: Type.Number({ exclusiveMinimum: 0, maximum: 1e6 }),
    /** Name of the token that reported it. */
    source: Type.String({ maxLength: 255 }),
  },
  { additionalProperties: false },
)
export type SharedSample = Readonly<Static<typeof SharedSample>>

export interface LatencyExchange {
  /** @throws MeridianError STORE_UNAVAILABLE: then nobody has heard of them */
  publish(samples: readonly SharedSample[]): Promise<void>
  /**
   * What others have published after a position; from the oldest that is kept where there is none.
   * @throws MeridianError STORE_UNAVAILABLE
   */
  take(after: string | undefined): Promise<{ readonly samples: readonly SharedSample[]; readonly position: string }>
}
