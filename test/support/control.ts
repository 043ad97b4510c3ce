/** A control API over the real store and router, in the small world of `world.ts`. */

import { createHash, randomBytes } from 'node:crypto'
import type { Token } from '../../src/config/config.ts'
import type { Rule } from '../../src/config/rule.ts'
import { createControlApp } from '../../src/control/app.ts'
import type { ControlApp, ControlDependencies } from '../../src/control/dependencies.ts'
import type { KnownFleet } from '../../src/control/fleet-reading.ts'
import { createAllowedEndpoints } from '../../src/regions/allowed-endpoints.ts'
import { buildSnapshot } from '../../src/regions/build-snapshot.ts'
import { createMemoryStore } from '../../src/regions/memory-store.ts'
import type { Region } from '../../src/regions/region.ts'
import type { Snapshot, Verdict } from '../../src/regions/snapshot.ts'
import type { FleetRecord, RegionStore } from '../../src/regions/store.ts'
import type { Right } from '../../src/regions/token-store.ts'
import { createRouter, type LiveRouter } from '../../src/routing/router.ts'
import { createFakeClock, type FakeClock } from './clocks.ts'
import { down, region, settings, up, worldLocator } from './world.ts'

export interface ControlWorld {
  readonly app: ControlApp
  readonly store: RegionStore
  readonly router: LiveRouter
  readonly clock: FakeClock
  /** Takes what the store knows into use. */
  refresh(): Promise<void>
}

export interface ControlWorldOptions extends Partial<ControlDependencies> {
  readonly regions?: readonly Region[]
  readonly rules?: readonly Rule[]
}

/** The tokens of the tests, in clear: `<right>-token` has that one right, `all-token` every one. */
export const tokens = [
  ...(['read', 'report', 'operator'] as const).map(right => token(`${right}-token`, [right])),
  token('all-token', ['read', 'report', 'operator']),
]

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}

/** Two regions in Europe, one in Asia, declared in files; a lease of ten seconds. */
export async function controlWorld(options: ControlWorldOptions = {}): Promise<ControlWorld> {
  const { regions = exampleFleet, rules = [], ...dependencies } = options
  const clock = createFakeClock(1000)
  const store = createMemoryStore({ clock, leaseMs: 10_000 })
  await store.declare(regions)
  const router = createRouter({ ...settings, rules, defaultOrder: ['cloud-fra'] }, worldLocator())
  let snapshot: Snapshot = { version: 0, takenAt: 0, regions: [] }
  let known: KnownFleet | undefined
  const refresh = async () => {
    const { now } = clock
    const fleet = await store.read()
    known = { fleet, readAt: now() }
    const judge = (record: FleetRecord) => verdictOf(record, fleet.now)
    snapshot = buildSnapshot({ fleet, judge, version: snapshot.version + 1, takenAt: now(), previous: snapshot })
    router.useSnapshot(snapshot, now())
  }
  await refresh()
  const app = createControlApp({
    store,
    router,
    clock,
    randomBytes,
    refresh,
    currentSnapshot: () => snapshot,
    knownFleet: () => known,
    access: { tokens, openReading: true },
    allowedEndpoints: createAllowedEndpoints(['*.example.com', '127.0.0.0/8']),
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'meridian_up 1\n' }),
    ready: () => ({ ready: true, reasons: [] }),
    version: '0.0.0-test',
    ...dependencies,
  })
  return { app, store, router, clock, refresh }
}

const exampleFleet = [
  region('cloud-fra', 'frankfurt', { capacityRequests: 400 }),
  region('cloud-nrt', 'tokyo'),
  region('core-waw', 'warsaw', { tier: 'core' }),
]

/** A token of the configuration whose text is known. */
export function token(text: string, rights: Right[], regions = ['*'], name = text): Token {
  return { name, sha256: createHash('sha256').update(text).digest('hex'), rights, regions }
}

function verdictOf({ drain, lease }: FleetRecord, now: number): Verdict {
  if (drain !== undefined) return { condition: 'draining', by: 'operator', detail: `drained by ${drain.by}` }
  if (lease !== undefined && lease.expiresAt <= now) return { ...down, by: 'lease', detail: 'its lease has lapsed' }
  return up
}
