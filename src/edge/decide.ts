/** Transport `decide`: the decision itself, for somebody else's proxy to act on. */

import type { Tier } from '../regions/region.ts'
import type { Decision, Reason } from '../routing/decision.ts'
import { type Answer, jsonAnswer } from './answer.ts'

export interface ShortDecision {
  readonly region: string | null
  readonly tier: Tier | null
  /** Public URL of the region: scheme, host and port. */
  readonly url: string | null
  readonly reason: Reason
  readonly degraded: boolean
  /** Best first. */
  readonly candidates: readonly { readonly region: string; readonly tier: Tier; readonly costMs: number }[]
}

/** The decision without its reasoning; null where there is no region. */
export function shortDecision({ best, reason, degraded, ranked }: Decision): ShortDecision {
  return {
    region: best?.id ?? null,
    tier: best?.tier ?? null,
    url: best?.endpoints.publicUrl ?? null,
    reason,
    degraded,
    candidates: ranked.map(({ region, costMs }) => ({
      region: region.id,
      tier: region.tier,
      costMs: Math.round(costMs * 10) / 10,
    })),
  }
}

export function decideAnswer(decision: Decision): Answer {
  return jsonAnswer(200, shortDecision(decision))
}
