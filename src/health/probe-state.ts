/**
 * What a row of probe outcomes says of a region: pure, one step at a time.
 *
 * A first failure is looked into quickly, so that a dead region is found within seconds and a hiccup is not mistaken for
 * one. Knows nothing of how a probe is made, nor of leases and operators.
 */

import type { Random } from '../clock.ts'

export interface ProbeSettings {
  /** Between probes of a region whose state is settled. */
  readonly intervalMs: number
  /** Between probes while the state is not settled. */
  readonly recheckMs: number
  /** A probe that takes longer has failed. */
  readonly timeoutMs: number
  /** Successes in a row that make a region `up` again. */
  readonly rise: number
  /** Failures in a row that make a region `down`. */
  readonly fall: number
}

export type ProbeOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: string }

export interface ProbeState {
  /** `impaired`: failed of late, but neither `fall` times in a row nor `rise` times well again since. */
  readonly condition: 'up' | 'impaired' | 'down'
  /** In a row, up to the latest outcome; one of the two is 0, both before the first outcome. */
  readonly successes: number
  readonly failures: number
  /** In words for people: `connect timeout`. */
  readonly lastFailure?: string
}

/** Before the first outcome: innocent until proven otherwise. */
export const notProbedYet: ProbeState = { condition: 'up', successes: 0, failures: 0 }

/** The state after an outcome, and how long to wait before the next probe, ms. */
export function nextProbe(
  state: ProbeState,
  outcome: ProbeOutcome,
  settings: ProbeSettings,
  random: Random,
): { readonly state: ProbeState; readonly delayMs: number } {
  const next = outcome.ok ? afterSuccess(state, settings) : afterFailure(state, outcome.reason, settings)
  return { state: next, delayMs: isSettled(next) ? jittered(settings.intervalMs, random) : settings.recheckMs }
}

/** Delay before the very first probe: spread out, so that a router with 500 regions does not probe them all at once. */
export function firstProbeDelayMs(settings: ProbeSettings, random: Random): number {
  return random() * Math.min(settings.recheckMs, settings.intervalMs)
}

function afterSuccess(state: ProbeState, { rise }: ProbeSettings): ProbeState {
  const successes = state.successes + 1
  const condition = state.condition === 'up' || successes >= rise ? 'up' : state.condition
  return { ...state, condition, successes, failures: 0 }
}

function afterFailure(state: ProbeState, lastFailure: string, { fall }: ProbeSettings): ProbeState {
  const failures = state.failures + 1
  const condition = state.condition === 'down' || failures >= fall ? 'down' : 'impaired'
  return { condition, successes: 0, failures, lastFailure }
}

/** A region that is down settles when it stays silent: only a first success makes it worth asking often. */
function isSettled({ condition, successes }: ProbeState): boolean {
  return condition === 'up' || (condition === 'down' && successes === 0)
}

/** ± 10 %, so that the probes of many routers drift apart. */
function jittered(intervalMs: number, random: Random): number {
  return intervalMs * (0.9 + 0.2 * random())
}
