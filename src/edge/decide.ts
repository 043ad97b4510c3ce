/** Transport `decide`: the decision itself, for somebody else's proxy to act on. */

import type { Region, Tier } from '../regions/region.ts'
import type { Decision, Reason } from '../routing/decision.ts'
import { type Answer, jsonAnswer } from './answer.ts'

export interface ShortDecision {
  readonly region: string
  readonly tier: Tier
  /** Public URL of the region with the path asked for. */
  readonly url: string
  readonly reason: Reason
  readonly degraded: boolean
  /** Best first. Regions in doubt are no advice to act on, unless there are no others. */
  readonly candidates: readonly { readonly region: string; readonly tier: Tier; readonly costMs: number }[]
}

/**
 * The decision without its reasoning.
 *
 * @param best region of the decision, which has one
 * @param pathAndQuery of the request, byte for byte
 */
export function shortDecision(
  { reason, degraded, ranked }: Decision,
  best: Region,
  pathAndQuery: string,
): ShortDecision {
  const candidates = degraded ? ranked : ranked.filter(({ standing }) => standing !== 'doubtful')
  return {
    region: best.id,
    tier: best.tier,
    url: best.endpoints.publicUrl + pathAndQuery,
    reason,
    degraded,
    candidates: candidates.map(({ region: { id, tier }, costMs }) => ({
      region: id,
      tier,
      costMs: Math.round(costMs * 100) / 100,
    })),
  }
}

export function decideAnswer(decision: Decision, best: Region, pathAndQuery: string): Answer {
  return jsonAnswer(200, shortDecision(decision, best, pathAndQuery))
}
