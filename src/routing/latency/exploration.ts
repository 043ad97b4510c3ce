/**
 * Sends a few clients to the second-best region, so that it is measured: connection logs tell nothing of a region that
 * nobody is sent to.
 *
 * Who explores follows from client network and hour alone: the same over every transport and on every router, and nobody
 * for longer than an hour at a time. A request with an affinity key never does.
 */

import type { ClientAddress } from '../../geo/address.ts'
import type { Location } from '../../geo/location.ts'
import type { Region } from '../../regions/region.ts'
import type { Candidate, Decision, FollowingRouter, Reason, RouteRequest, Trace } from '../decision.ts'
import { hashWords } from '../pick.ts'
import { affinityOf } from '../workings.ts'
import { networkKey } from './network-key.ts'

/** A region that is so much dearer than the best will not turn out to be better, ms. */
const mostExcessMs = 50
const hourMs = 3_600_000

/**
 * The same router, exploring.
 *
 * @param share of client networks that explore at any time, 0 to 1
 * @param now ms since 1970
 */
export function exploring(router: FollowingRouter, share: number, now: () => number): FollowingRouter {
  const explores = (request: RouteRequest): boolean =>
    isChosen(request.address, Math.floor(now() / hourMs), share) &&
    affinityOf(router.match(request.host, request.path, request.method), request) === undefined
  return {
    match: (host, path, method) => router.match(host, path, method),
    // What the router had chosen was counted for that region: following takes the count to where the request goes.
    follow: (decision, region) =>
      router.follow(decision instanceof ExploringDecision ? decision.original : decision, region),
    route(request) {
      const decision = router.route(request)
      if (!explores(request)) return decision
      const ranked = reordered(decision)
      return ranked === undefined ? decision : new ExploringDecision(decision, ranked)
    },
    explain(request): Trace {
      const trace = router.explain(request)
      if (!explores(request) || trace.reason !== 'least-cost' || trace.degraded) return trace
      const second = [...trace.candidates].filter(({ region }) => region !== trace.region)[0]
      const first = trace.candidates.find(({ region }) => region === trace.region)
      if (first === undefined || second === undefined || second.costMs - first.costMs > mostExcessMs) return trace
      return { ...trace, reason: 'explored', region: second.region }
    },
  }
}

function isChosen(address: ClientAddress, hour: number, share: number): boolean {
  const [k0, k1] = networkKey(address)
  return (hashWords(hashWords(k0, k1), hour) >>> 0) / 2 ** 32 < share
}

/** The list with the second one first; undefined where that must not or need not be tried. */
function reordered({ reason, ranked }: Decision): readonly Candidate[] | undefined {
  const [first, second, ...rest] = ranked
  if (reason !== 'least-cost' || first === undefined || second?.standing !== 'eligible') return undefined
  return second.costMs - first.costMs > mostExcessMs ? undefined : [second, first, ...rest]
}

class ExploringDecision implements Decision {
  readonly ranked: readonly Candidate[]
  readonly reason: Reason = 'explored'
  readonly degraded = false
  /** As the router made it. */
  readonly original: Decision

  constructor(decision: Decision, ranked: readonly Candidate[]) {
    this.original = decision
    this.ranked = ranked
  }

  get best(): Region {
    return this.ranked[0]!.region
  }

  get ruleName(): string {
    return this.original.ruleName
  }

  get snapshotVersion(): number {
    return this.original.snapshotVersion
  }

  get location(): Location | undefined {
    return this.original.location
  }
}
