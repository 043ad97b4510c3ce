/**
 * Keeps probing the regions that ask for it and tells when one turns out well or ill.
 *
 * Follows the set of regions as it changes. Each region has its own rhythm, so that one that hangs delays no other. What
 * a verdict makes of the states is not its business.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Clock, Random } from '../clock.ts'
import type { GuardedConnections } from '../regions/guarded-connect.ts'
import { originUrlOf, type Region } from '../regions/region.ts'
import { type ProbeTarget, probeHttp } from './probe-http.ts'
import { firstProbeDelayMs, nextProbe, notProbedYet, type ProbeSettings, type ProbeState } from './probe-state.ts'

export interface ProberOptions {
  readonly clock: Clock
  readonly random: Random
  readonly settings: ProbeSettings
  /** Which connections may be made; absent: any. */
  readonly connections?: GuardedConnections
  /** Called when a region has its first outcome or its condition changes. Must not throw. */
  readonly onChange: (regionId: string, state: ProbeState) => void
  /** Called for every probe that failed. Must not throw. */
  readonly onFailure?: (regionId: string) => void
}

export interface Prober {
  /**
   * The regions to probe from now on; those without a probe are left alone. A region whose probe and origin stay the same
   * keeps its state and its rhythm.
   */
  setTargets(regions: readonly Region[]): void
  /** Undefined for a region that is not probed. */
  stateOf(regionId: string): ProbeState | undefined
  /** Stops all probes, those under way too; no callback after that. */
  close(): Promise<void>
}

interface Watch {
  readonly target: ProbeTarget
  state: ProbeState
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

/** A prober without targets; whoever makes it closes it. */
export function createProber(options: ProberOptions): Prober {
  const watches = new Map<string, Watch>()
  const stopping = new Set<Promise<void>>()

  const stop = (regionId: string, watch: Watch): void => {
    watches.delete(regionId)
    const stopped = watch.stop().finally(() => stopping.delete(stopped))
    stopping.add(stopped)
  }

  return {
    setTargets(regions) {
      const targets = new Map(regions.flatMap(region => probeTargetsOf(region).map(target => [region.id, target])))
      for (const [id, watch] of watches) if (!isDeepStrictEqual(watch.target, targets.get(id))) stop(id, watch)
      for (const [id, target] of targets) if (!watches.has(id)) watches.set(id, startWatch(id, target, options))
    },
    stateOf: regionId => watches.get(regionId)?.state,
    async close() {
      for (const [id, watch] of watches) stop(id, watch)
      await Promise.all(stopping)
    },
  }
}

function probeTargetsOf(region: Region): ProbeTarget[] {
  const { probe } = region.endpoints
  return probe === undefined ? [] : [{ origin: originUrlOf(region), path: probe.path, status: probe.status }]
}

function startWatch(id: string, target: ProbeTarget, options: ProberOptions): Watch {
  const { clock, random, settings, connections, onChange, onFailure } = options
  const stopping = new AbortController()
  let cancelNext = (): void => {}
  let underWay = Promise.resolve()

  const probe = async (): Promise<void> => {
    const outcome = await probeHttp(target, settings.timeoutMs, clock, stopping.signal, connections)
    if (stopping.signal.aborted) return
    const before = watch.state
    const { state, delayMs } = nextProbe(before, outcome, settings, random)
    watch.state = state
    probeAfter(delayMs)
    if (!outcome.ok) onFailure?.(id)
    if (before === notProbedYet || before.condition !== state.condition) onChange(id, state)
  }
  const probeAfter = (delayMs: number): void => {
    cancelNext = clock.after(delayMs, () => {
      underWay = probe()
    })
  }
  const watch: Watch = {
    target,
    state: notProbedYet,
    stop() {
      cancelNext()
      stopping.abort()
      return underWay
    },
  }
  probeAfter(firstProbeDelayMs(settings, random))
  return watch
}
