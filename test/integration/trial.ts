/** One fault after another on one fleet under steady traffic, and what came of each. */

import type { Fault, Findings, Trial } from './faults.ts'
import type { ClientRequest } from './traffic.ts'

export interface Outcome extends Findings {
  readonly fault: string
  readonly tookMs: number
  /** Of clients, that ended while the fault was on or was being healed. */
  readonly requests: number
  readonly failedRequests: readonly string[]
  readonly slowestRequestMs: number
}

/** Throws what the fault throws: something hangs, and the fleet is not to be trusted any more. */
export async function runFault(name: string, fault: Fault, trial: Omit<Trial, 'over'>): Promise<Outcome> {
  const { traffic } = trial
  const first = traffic.requests.length
  const startedAt = performance.now()
  const over = new AbortController()
  const findings = await fault({ ...trial, over: over.signal }).finally(() => over.abort())
  await traffic.another()
  const requests = traffic.requests.slice(first)
  return {
    fault: name,
    tookMs: performance.now() - startedAt,
    requests: requests.length,
    failedRequests: requests.flatMap(inWords),
    slowestRequestMs: Math.max(...requests.map(({ tookMs }) => tookMs)),
    ...findings,
  }
}

function inWords({ router, failure }: ClientRequest): string[] {
  return failure === undefined ? [] : [`${router}: ${failure}`]
}
