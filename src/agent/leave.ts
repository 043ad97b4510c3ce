/**
 * How a region takes its leave: no new clients, then a wait until those that are there are done, then its registration is
 * withdrawn.
 *
 * New clients are kept away by a drain. Where the token may not drain, by withdrawing the registration at once; where it
 * may not do that either, or no router can be reached, by silence: the lease lapses.
 */

import type { Clock } from '../clock.ts'
import type { Tell } from './agent-events.ts'
import type { Load } from './metrics-mapping.ts'
import { type Drain, isForgotten, leavingReason, type RegionSession } from './region-session.ts'

/** Routers that share a store hear of a drain at once, or when they next look, a second later. */
const settleMs = 1_500
const lookEveryMs = 500

export interface LeaveOptions {
  readonly session: RegionSession
  readonly measure: () => Promise<Load>
  readonly clock: Clock
  readonly tell: Tell
  /** 0: nobody waits. */
  readonly limitMs: number
}

interface Exit {
  readonly by: 'drain' | 'removal' | 'lapse'
  /** From when on no new client should come. */
  readonly quietAt: number
  /** Who had drained the region already. */
  readonly operator?: string | undefined
  /** Nothing was said yet since no router could be reached: worth another try. */
  readonly isUnsaid?: boolean
}

/** How the wait ended, for the last word. */
interface Wait {
  readonly words: string
  readonly operator?: string | undefined
}

/** Resolves when the region is gone, or as gone as it can be. */
export async function leave(options: LeaveOptions): Promise<void> {
  const { session, tell, limitMs } = options
  if (!session.isRegistered) return tell('left', 'the region was not registered: nothing to withdraw')
  const operator = operatorOf(await session.drainOf())
  const wait = limitMs > 0 ? await drain(options, operator) : { words: '', operator }
  if (wait === undefined) return tell('superseded', 'another agent speaks for the region now: it is left as it is')
  const { words } = wait
  // To withdraw the registration would be to forget the drain: an agent that starts anew would bring back the clients.
  if (wait.operator !== undefined) {
    return tell('left', `the region stays known and drained by ${wait.operator}: its lease lapses${words}`)
  }
  const reply = await session.remove()
  if (reply.kind === 'done' || isForgotten(reply)) return tell('left', `the region is deregistered${words}`)
  const reason = reply.kind === 'refused' ? reply.error.message : reply.detail
  tell('left', `the region could not be deregistered (${reason}): its lease lapses${words}`)
}

/** Undefined: the region is another agent's by now. */
async function drain(options: LeaveOptions, operator: string | undefined): Promise<Wait | undefined> {
  const { session, measure, clock, limitMs } = options
  const deadline = clock.now() + limitMs
  let exit = operator === undefined ? await takeOut(options) : alreadyDrained(options, operator)
  while (exit !== undefined) {
    const measuredAt = clock.now()
    const load = await measure()
    const wait = (words: string): Wait => ({ words, operator: exit?.operator })
    if (measuredAt >= exit.quietAt && isIdle(load)) return wait(': nothing is in flight')
    if (clock.now() >= deadline) return wait(`, after ${limitMs / 1000} s, with ${countOf(load)} in flight`)
    // A drained region still reports: that is how others know when it will be empty.
    if (exit.by === 'drain' && isForgotten(await session.heartbeat(load))) {
      if (exit.operator === undefined) await session.undrain()
      return undefined
    }
    if (exit.isUnsaid) exit = await takeOut(options)
    await pause(clock, Math.min(lookEveryMs, Math.max(0, deadline - clock.now())))
  }
  return undefined
}

function alreadyDrained({ clock, tell, limitMs }: LeaveOptions, operator: string): Exit {
  tell('draining', `drained by ${operator} already: waits up to ${limitMs / 1000} s until nothing is in flight`)
  return { by: 'drain', operator, quietAt: clock.now() }
}

async function takeOut(options: LeaveOptions): Promise<Exit | undefined> {
  const { session, measure, clock, tell, limitMs } = options
  // Also renews the lease, so that the region lasts until it is drained.
  if (isForgotten(await session.heartbeat(await measure()))) return undefined
  const drained = await session.drain()
  const quietAt = clock.now() + settleMs
  if (drained.kind === 'done') {
    const operator = operatorOf((drained.value as { readonly drain?: Drain }).drain)
    if (operator !== undefined) return alreadyDrained(options, operator)
    tell('draining', `no new clients: waits up to ${limitMs / 1000} s until nothing is in flight`)
    return { by: 'drain', quietAt }
  }
  const lapse: Exit = { by: 'lapse', quietAt: quietAt + session.leaseMs }
  if (drained.kind === 'unreachable') return { ...lapse, isUnsaid: true }
  const removed = await session.remove()
  tell('draining', `${drained.error.message}: ${removed.kind === 'done' ? 'deregistered at once' : 'its lease lapses'}`)
  return removed.kind === 'done' ? { by: 'removal', quietAt } : lapse
}

/** Who drained the region, unless it was an agent on its way out. */
function operatorOf(drain: Drain | undefined): string | undefined {
  return drain === undefined || drain.reason === leavingReason ? undefined : drain.by || 'an operator'
}

function countOf({ inflight }: Load): string {
  return `${inflight ?? 'an unknown number of'} requests`
}

function isIdle({ inflight, queueDepth = 0 }: Load): boolean {
  return inflight === 0 && queueDepth === 0
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise(resolve => {
    clock.after(delayMs, resolve)
  })
}
