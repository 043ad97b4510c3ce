/** Decisions that the control API gives away, counted like those of the data plane. */

import type { Metrics } from '../observe/metrics.ts'
import type { Router } from '../routing/decision.ts'

/** The same router, whose decisions show in the metrics as those of the API; explanations are none. */
export function countDecisions(router: Router, metrics: Pick<Metrics, 'countDecision' | 'countShed'>): Router {
  return {
    match: (host, path, method) => router.match(host, path, method),
    explain: request => router.explain(request),
    route(request) {
      const decision = router.route(request)
      const { ruleName, best, reason, shed } = decision
      if (shed !== undefined) metrics.countShed(ruleName, shed)
      metrics.countDecision({ rule: ruleName, transport: 'api', region: best?.id, reason })
      return decision
    },
  }
}
