/**
 * Is a region to be used? The operator's word, the lease and the probe combined into one verdict with its reason.
 *
 * The only place where the three meet. Pure: whoever builds a snapshot asks for every region, and the trace shows the
 * words found here.
 */

import type { LapseExcuse } from '../regions/lease-guard.ts'
import type { Verdict } from '../regions/snapshot.ts'
import type { FleetRecord, Lease } from '../regions/store.ts'
import { notProbedYet, type ProbeState } from './probe-state.ts'

/** What is known of a region by probes; `off`: the operator wants none (`health.enabled`). */
export type Probed = ProbeState | 'off' | undefined

/**
 * The first of these that has something to say: operator (draining), lease (lapsed, or required and never taken), probe.
 *
 * @param probe undefined where the region is not probed, `off` where none is
 * @param now milliseconds on the store's clock (`FleetState.now`)
 * @param excuse why a lapsed lease is not held against the region; then it is as the probe says, and at most `impaired` where
 * much of the fleet fell silent together
 */
export function judge(record: FleetRecord, probe: Probed, now: number, excuse?: LapseExcuse): Verdict {
  return byOperator(record) ?? byLease(record, now, excuse) ?? excused(record, byProbe(record, probe), now, excuse)
}

function byOperator({ drain }: FleetRecord): Verdict | undefined {
  if (drain === undefined) return undefined
  const reason = drain.reason === '' ? '' : `: ${drain.reason}`
  return { condition: 'draining', by: 'operator', detail: `drained by ${drain.by}${reason}` }
}

function byLease(record: FleetRecord, now: number, excuse: LapseExcuse | undefined): Verdict | undefined {
  const { lease, region } = record
  if (lease === undefined) {
    if (region.requiresLease !== true) return undefined
    return { condition: 'down', by: 'lease', detail: 'has to register before it is used, and never did' }
  }
  if (now < lease.expiresAt || excuse !== undefined) return undefined
  return { condition: 'down', by: 'lease', detail: lapseInWords(record, lease, now) }
}

function excused(record: FleetRecord, verdict: Verdict, now: number, excuse: LapseExcuse | undefined): Verdict {
  const { lease } = record
  if (excuse === undefined || verdict.condition !== 'up' || lease === undefined || now < lease.expiresAt) return verdict
  const silence = lapseInWords(record, lease, now)
  return excuse === 'together'
    ? { condition: 'impaired', by: 'lease', detail: `${silence}, but too much of the fleet fell silent at once: kept` }
    : { condition: 'up', by: 'lease', detail: `${silence}, but nobody could have heard one` }
}

function lapseInWords({ registeredAt, load }: FleetRecord, { expiresAt }: Lease, now: number): string {
  const heardAt = Math.max(registeredAt, load?.receivedAt ?? registeredAt)
  return `no heartbeat for ${seconds(now - heardAt)} (lease ${seconds(expiresAt - heardAt)})`
}

function byProbe({ region, lease }: FleetRecord, probe: Probed): Verdict {
  if (region.endpoints.probe === undefined) {
    const detail = lease === undefined ? 'declared in a file, not probed' : 'its lease holds, not probed'
    return { condition: 'up', by: lease === undefined ? 'default' : 'lease', detail }
  }
  if (probe === 'off') return { condition: 'up', by: 'default', detail: 'not probed: health.enabled is false' }
  const { condition, successes, failures, lastFailure } = probe ?? notProbedYet
  if (successes === 0 && failures === 0) return { condition: 'up', by: 'default', detail: 'not probed yet' }
  if (condition === 'up') return { condition, by: 'probe', detail: 'probes are answered' }
  if (failures > 0) {
    return { condition, by: 'probe', detail: `${counted(failures, 'failure', 'failures')}, last: ${lastFailure}` }
  }
  const count = counted(successes, 'success', 'successes')
  return { condition, by: 'probe', detail: `${count} since the last failure: ${lastFailure}` }
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

/** 12.3 s, 10 s */
function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`
}
