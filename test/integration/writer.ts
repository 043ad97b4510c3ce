/**
 * Somebody who goes on writing through every router while the store is ill: a write is either taken, and then it counts, or
 * refused with 503. Its one region stands by while nobody is ever sent to it.
 */

import type { Trial } from './faults.ts'
import type { TrialRouter } from './fleet.ts'
import { callControl, eventually, registrationsOf } from './views.ts'

export interface Writes {
  accepted: number
  refused: number
  /** Answers that are neither. */
  readonly wrong: string[]
}

export interface Writer {
  readonly writes: Writes
  /** Resolves once each of these routers has refused a write. */
  untilRefused(routers: readonly TrialRouter[]): Promise<void>
  /**
   * Resolves once every router takes writes again, and the store has what was accepted; the region is gone then.
   * Resolves with what was accepted and is not there.
   */
  finish(): Promise<readonly string[]>
}

const id = 'core-visitor'
/** In a tier that no rule of the trials names: it gets no client, however full the others are. */
export const visitor = {
  name: id,
  tier: 'core',
  coordinates: { latitude: -54.8, longitude: -68.3 },
  capacityRequests: 1,
}
const everyMs = 150

export function startWriter({ fleet: { routers, agents }, over }: Trial): Writer {
  const writes: Writes = { accepted: 0, refused: 0, wrong: [] }
  const refusals = new Map<string, number>()
  const body = { ...visitor, endpoints: { publicUrl: agents[0]!.serviceUrl } }
  let newest = 0
  let stopped = false
  const write = async (router: TrialRouter): Promise<boolean> => {
    const answer = await callControl(router, 'PUT', `/v1/regions/${id}`, body)
    const { status } = answer
    if (status === 200 || status === 201) {
      writes.accepted++
      newest = Math.max(newest, answer.body.epoch!)
      return true
    }
    if (status === 503 && answer.body.code === 'STORE_UNAVAILABLE') {
      writes.refused++
      refusals.set(router.name, (refusals.get(router.name) ?? 0) + 1)
    } else writes.wrong.push(`${router.name}: ${status} ${JSON.stringify(answer.body)}`)
    return false
  }
  const loop = async (router: TrialRouter): Promise<void> => {
    while (!stopped && !over.aborted) {
      await write(router).catch((error: Error) => writes.wrong.push(`${router.name}: ${error.message}`))
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  }
  const loops = routers.map(loop)
  return {
    writes,
    async untilRefused(some) {
      const refused = async () => some.every(({ name }) => refusals.has(name))
      await eventually('a write is refused', refused, all => all)
    },
    async finish() {
      stopped = true
      await Promise.all(loops)
      const lost: string[] = []
      for (const router of routers) {
        await eventually(`${router.name} takes writes again`, () => write(router), Boolean)
        const found = (await registrationsOf(router))?.find(region => region.id === id)
        if ((found?.lease?.epoch ?? 0) < newest) lost.push(`${router.name}: ${id} of epoch ${newest}`)
      }
      const isGone = ({ status }: { status: number }): boolean => status === 204 || status === 404
      await eventually('the visitor is gone', () => callControl(routers[0], 'DELETE', `/v1/regions/${id}`), isGone)
      return lost
    },
  }
}
