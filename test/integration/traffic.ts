/** Steady clients of both routers: each request is seen through to the region that serves it, by redirect and by proxy. */

import type { Random } from '../../src/clock.ts'
import { randomInteger } from '../support/seeded-random.ts'
import type { Owner, TrialFleet, TrialRouter } from './fleet.ts'

export interface ClientRequest {
  /** When it began, on the clock of `performance.now()`. */
  readonly at: number
  readonly router: string
  /** Who served it. */
  readonly region?: string
  /** Why nobody did. */
  readonly failure?: string
  readonly tookMs: number
}

export interface Traffic {
  /** Every request that has ended, in that order. */
  readonly requests: readonly ClientRequest[]
  /** Resolves once a request to each router, by each transport, has begun and ended after this call. */
  another(): Promise<void>
}

const paths = ['/redirected', '/proxied'] as const
/** Of one client; there is one for each router and transport. */
const everyMs = 60
/** A client that hangs has failed. */
const patienceMs = 10_000

/** Until the owner stops. */
export function startTraffic(t: Owner, { routers, agents }: TrialFleet, random: Random): Traffic {
  const requests: ClientRequest[] = []
  const waiting = new Set<() => void>()
  const ids = new Set(agents.map(({ id }) => id))
  let stopped = false
  const client = async (router: TrialRouter, path: string): Promise<void> => {
    while (!stopped) {
      const at = performance.now()
      const outcome = await askOnce(router, path, addressFrom(random), ids)
      requests.push({ at, router: `${router.name}${path}`, tookMs: performance.now() - at, ...outcome })
      for (const look of [...waiting]) look()
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  }
  const clients = routers.flatMap(router => paths.map(path => client(router, path)))
  t.teardown(async () => {
    stopped = true
    await Promise.all(clients)
  })
  return {
    requests,
    another: () =>
      new Promise(resolve => {
        const since = performance.now()
        const look = (): void => {
          const fresh = new Set(requests.filter(({ at }) => at >= since).map(({ router }) => router))
          if (fresh.size < clients.length) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
      }),
  }
}

async function askOnce(
  { edgeUrl }: TrialRouter,
  path: string,
  address: string,
  ids: ReadonlySet<string>,
): Promise<Pick<ClientRequest, 'region' | 'failure'>> {
  try {
    const headers = { 'x-forwarded-for': address }
    const answer = await fetch(edgeUrl + path, { headers, signal: AbortSignal.timeout(patienceMs) })
    const text = await answer.text()
    return answer.status === 200 && ids.has(text) ? { region: text } : { failure: `${path}: ${answer.status} ${text}` }
  } catch (error) {
    const { message, cause } = error as Error
    return { failure: `${path}: ${message} ${cause ?? ''}`.trim() }
  }
}

/** Somewhere in the unicast space; where nothing is known of it, the default order of the routers counts. */
function addressFrom(random: Random): string {
  return [11 + randomInteger(random, 100), ...[256, 256, 254].map(below => randomInteger(random, below))].join('.')
}
