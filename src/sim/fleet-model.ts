/**
 * What lies between regions and routers: the store with its reports, leases, sums and tolls, and each router's own view of it.
 *
 * Views are built as in production: the same lease guard, probe states, verdicts and snapshots, on simulated time.
 */

import type { Random } from '../clock.ts'
import { nextProbe, notProbedYet, type ProbeState } from '../health/probe-state.ts'
import { judge } from '../health/verdict.ts'
import { buildSnapshot } from '../regions/build-snapshot.ts'
import { createLeaseGuard, type GuardedFleet, type LeaseGuard } from '../regions/lease-guard.ts'
import type { LoadReport } from '../regions/load-report.ts'
import type { Region } from '../regions/region.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import type { FleetRecord } from '../regions/store.ts'
import { tollShare } from '../regions/tolls.ts'
import type { SimulatedRouter } from './policy.ts'
import type { World } from './world.ts'

/** As the configuration's defaults have it. */
const probing = { intervalMs: 5000, recheckMs: 1000, timeoutMs: 2000, rise: 2, fall: 3 }
const leastLeaseMs = 10_000
/** What a router told is believed for so long, ms; and so long may a leader be silent before another takes over. */
const sumsMs = 3000
/** A capacity that changes by more than this part of itself is told at once. */
const notable = 0.1

interface View {
  readonly router: SimulatedRouter
  readonly guard: LeaseGuard
  readonly probes: ProbeState[]
  snapshot: Snapshot
  tolls: ReadonlyMap<string, number>
  readAt: number
}

interface Told {
  readonly sums: unknown
  readonly at: number
}

export class FleetModel {
  readonly #world: World
  readonly #random: Random
  readonly #leaseMs: number
  readonly #places: ReadonlyMap<string, number>
  readonly #views: readonly View[]
  readonly #records: FleetRecord[]
  readonly #told: (Told | undefined)[]
  /** When each router last heard the others. */
  readonly #heardAt: Float64Array
  #tolls: ReadonlyMap<string, number> = new Map()
  #leader = { router: -1, until: 0 }
  #sequence = 0
  #storeLost = false
  #cutOff = new Set<number>()

  constructor(world: World, routers: readonly SimulatedRouter[], random: Random) {
    const { reportEveryMs, snapshotEveryMs } = world.routers
    this.#world = world
    this.#random = random
    this.#leaseMs = Math.max(leastLeaseMs, 3 * reportEveryMs)
    this.#places = new Map(world.regions.map(({ id }, region) => [id, region]))
    this.#records = world.regions.map(region => this.#registration(region, 0))
    this.#told = routers.map(() => undefined)
    this.#heardAt = new Float64Array(routers.length)
    this.#views = routers.map(router => ({
      router,
      guard: createLeaseGuard({ leaseMs: this.#leaseMs, everyMs: snapshotEveryMs }),
      probes: world.regions.map(() => notProbedYet),
      snapshot: { version: 0, takenAt: 0, regions: [] },
      tolls: new Map(),
      readAt: 0,
    }))
    for (const router of routers.keys()) this.read(router, 0)
  }

  /** Toll that the store holds for a region, ms. */
  tollOf(region: number): number {
    return this.#tolls.get(this.#world.regions[region]!.id) ?? 0
  }

  /** Who can reach the store from now on. */
  useFaults(storeLost: boolean, cutOff: ReadonlySet<number>): void {
    this.#storeLost = storeLost
    this.#cutOff = new Set(cutOff)
  }

  /** A report reaches the store, or is lost with it. */
  takeReport(region: number, load: Omit<LoadReport, 'epoch' | 'sequence'>, now: number): void {
    if (this.#storeLost) return
    const before = this.#records[region]!
    const lapsed = before.lease!.expiresAt <= now
    const sequence = ++this.#sequence
    const base = lapsed ? this.#registration(before.region, now) : before
    this.#records[region] = {
      ...base,
      lease: { epoch: 1, expiresAt: now + this.#leaseMs },
      load: { ...load, epoch: 1, sequence, receivedAt: now },
    }
    const [was, is] = [before.load?.capacityRequests, load.capacityRequests]
    const changed = was !== undefined && is !== undefined && Math.abs(is - was) > notable * was
    if (lapsed || changed) for (const router of this.#views.keys()) if (this.#reaches(router)) this.read(router, now)
  }

  /** A router reads the store, or finds that it cannot. */
  read(router: number, now: number): void {
    const view = this.#views[router]!
    if (this.#reaches(router)) {
      view.tolls = this.#tolls
      view.readAt = now
      const fleet = { now, mode: 'auto' as const, records: [...this.#records] }
      this.#use(view, view.guard.review(fleet, now), now)
    } else {
      // Every router has read the store at the start.
      this.#use(view, view.guard.missStore(now)!, now)
    }
  }

  /** A router probes a region. Returns when to probe again, ms from now. */
  probe(router: number, region: number, answers: boolean, now: number): number {
    const { probes } = this.#views[router]!
    const before = probes[region]!
    const outcome = answers ? ({ ok: true } as const) : ({ ok: false, reason: 'connection refused' } as const)
    const { state, delayMs } = nextProbe(before, outcome, probing, this.#random)
    probes[region] = state
    if (state.condition !== before.condition) this.read(router, now)
    return delayMs
  }

  /** A router tells its sums and reads those of the others. */
  publish(router: number, now: number): void {
    const { router: simulated } = this.#views[router]!
    const sums = simulated.sums?.(now)
    if (!this.#reaches(router)) {
      if (now - this.#heardAt[router]! > sumsMs) simulated.missOthers?.()
      return
    }
    this.#heardAt[router] = now
    if (sums !== undefined) this.#told[router] = { sums, at: now }
    simulated.useOthers?.(this.#freshSums(now, router), now)
    if (this.#leader.router === router || this.#leader.until <= now) this.#leader = { router, until: now + sumsMs }
  }

  /** Time for new tolls: the leader works them out, the others do nothing. */
  stepTolls(router: number, now: number): void {
    if (this.#leader.router !== router || this.#leader.until <= now || !this.#reaches(router)) return
    this.#tolls = this.#views[router]!.router.computeTolls?.(this.#freshSums(now), now) ?? this.#tolls
  }

  #freshSums(now: number, except?: number): unknown[] {
    return this.#told.flatMap((told, router) =>
      told === undefined || router === except || now - told.at > sumsMs ? [] : [told.sums],
    )
  }

  #reaches(router: number): boolean {
    return !this.#storeLost && !this.#cutOff.has(router)
  }

  #use(view: View, { fleet, excuses }: GuardedFleet, now: number): void {
    const snapshot = buildSnapshot({
      fleet,
      judge: record => {
        const { id } = record.region
        return judge(record, view.probes[this.#places.get(id)!], fleet.now, excuses.get(id))
      },
      version: view.snapshot.version + 1,
      takenAt: now,
      previous: view.snapshot.version === 0 ? undefined : view.snapshot,
    })
    const factor = tollShare(now - view.readAt)
    const regions = snapshot.regions.map(state => ({
      ...state,
      tollMs: factor * (view.tolls.get(state.region.id) ?? 0),
    }))
    view.snapshot = { ...snapshot, regions }
    view.router.useSnapshot(view.snapshot, now)
  }

  #registration(region: Region, now: number): FleetRecord {
    const lease = { epoch: 1, expiresAt: now + this.#leaseMs }
    return { region, source: 'registered', revision: 1, registeredAt: now, lease }
  }
}

/** Delay of a router's first probe of a region, ms. */
export function firstProbeMs(random: Random): number {
  return random() * probing.intervalMs
}
