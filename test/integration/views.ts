/** What routers answer about the fleet, and waiting until they answer as wanted. */

import type { RegionView } from '../../src/control/schemas.ts'
import type { Trace } from '../../src/routing/decision.ts'
import { authorization, type TrialFleet, type TrialRouter } from './fleet.ts'

/** What a router decides from: whom it would send clients to, and why not to the others. Needs no store. */
export interface View {
  readonly usable: ReadonlySet<string>
  /** Reason by id: `lease`, `operator`, … */
  readonly rejected: ReadonlyMap<string, string>
}

/** Where nothing but the distance tells regions apart. */
const anyClient = '81.2.69.142'
/** Nothing here takes so long unless it hangs. */
const hangLimitMs = 45_000
const pollMs = 20

export async function viewOf({ controlUrl }: TrialRouter): Promise<View> {
  const trace = (await (await fetch(`${controlUrl}/v1/explain?ip=${anyClient}`)).json()) as Trace
  return {
    usable: new Set(trace.candidates.map(({ region }) => region)),
    rejected: new Map(trace.rejected.map(({ region, reason }) => [region, reason])),
  }
}

/** The registrations as the store has them; undefined while it cannot be read. */
export async function registrationsOf({ controlUrl }: TrialRouter): Promise<readonly RegionView[] | undefined> {
  const answer = await fetch(`${controlUrl}/v1/regions`)
  const body = (await answer.json()) as { regions: RegionView[] }
  return answer.ok ? body.regions : undefined
}

/** Whether a router says that its store cannot be read, or takes no writes. */
export async function missesStore({ controlUrl }: TrialRouter): Promise<boolean> {
  const { reasons } = (await (await fetch(`${controlUrl}/readyz`)).json()) as { reasons: string[] }
  return reasons.length > 0
}

export interface WriteAnswer {
  readonly status: number
  readonly body: { readonly epoch?: number; readonly code?: string; readonly lease?: { readonly expiresInMs: number } }
}

/** @param path below the control API: `/v1/regions/edge-fra/drain` */
export async function callControl(
  { controlUrl }: TrialRouter,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<WriteAnswer> {
  const answer = await fetch(controlUrl + path, {
    method,
    headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
}

/**
 * Asks until the answer is as wanted; resolves with when that was, on the clock of `performance.now()`.
 *
 * @param what is waited for, for the error after far too long
 */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
): Promise<number> {
  const since = performance.now()
  for (;;) {
    const answer = await ask()
    const now = performance.now()
    if (wanted(answer)) return now
    if (now - since > hangLimitMs) {
      throw new Error(`waited ${Math.round((now - since) / 1000)} s until ${what}; the last answer: ${shown(answer)}`)
    }
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}

/** When each of the routers saw the fleet as wanted. */
export function onEach(
  routers: readonly TrialRouter[],
  what: string,
  wanted: (view: View) => boolean,
): Promise<readonly number[]> {
  return Promise.all(
    routers.map(router =>
      eventually(
        `${router.name}: ${what}`,
        () => viewOf(router),
        view => wanted(view),
      ),
    ),
  )
}

/**
 * Resolves once every router has all regions of the fleet as their agents registered them, up and used; a region that
 * was lost rejects after far too long.
 */
export async function untilWhole({ routers, agents }: TrialFleet): Promise<number> {
  const isWhole = (regions: readonly RegionView[] | undefined): boolean =>
    agents.every(({ id, serviceUrl }) =>
      regions?.some(
        region =>
          region.id === id &&
          region.source === 'registered' &&
          region.state === 'up' &&
          region.endpoints.publicUrl === serviceUrl,
      ),
    )
  const times = await Promise.all(
    routers.flatMap(router => [
      eventually(`${router.name} has every registration`, () => registrationsOf(router), isWhole),
      eventually(
        `${router.name} uses every region`,
        () => viewOf(router),
        ({ usable }) => agents.every(({ id }) => usable.has(id)),
      ),
    ]),
  )
  return Math.max(...times)
}

function shown(answer: unknown): string {
  const plain = (_key: string, value: unknown): unknown =>
    value instanceof Map || value instanceof Set ? [...value] : value
  return (JSON.stringify(answer, plain) ?? 'none').slice(0, 1_500)
}
