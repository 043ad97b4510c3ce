/**
 * Tells listeners what happens in the fleet as server-sent events, with the last few kept for who comes back.
 *
 * Load reports are no events: they come by the hundred a second. A listener that does not read is cut, so that what it
 * leaves unread never piles up here.
 */

import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import type { RegionCondition, Verdict } from '../regions/snapshot.ts'
import type { FleetEvent } from '../regions/store.ts'

/** Events kept to be sent again. */
const kept = 512
/** Listeners at a time. */
const mostListeners = 64
/** Unread bytes at which a listener is cut. */
const unreadLimitBytes = 256 * 1024
const keepAliveEveryMs = 15_000

/**
 * A region is in another condition as this router sees it: by its probes or by a lease. Drains are the store's to tell.
 */
export interface ConditionEvent extends Pick<Verdict, 'by' | 'detail'> {
  readonly kind: Exclude<RegionCondition, 'draining'>
  readonly region: string
  readonly was: RegionCondition
}

export interface EventHub {
  tell(event: FleetEvent | ConditionEvent): void
  /**
   * Sends what happens to a response, whose head is written, until either side ends it.
   *
   * @param lastEventId of the last event that was read; what came after it follows at once, or `reset` where that is not known
   * @param isWelcome asked now and then: a listener that no longer is, is cut
   * @returns false when there are too many; nothing was sent then
   */
  add(response: ServerResponse, lastEventId: string | undefined, isWelcome: () => boolean): boolean
  close(): void
}

interface Told {
  readonly number: number
  readonly text: string
}

export function createEventHub(clock: Clock): EventHub {
  // Numbers begin anew with every start: an id of another life must not be taken for one of this.
  const life = Math.round(clock.now()).toString(36)
  const listeners = new Map<ServerResponse, () => boolean>()
  const ring: Told[] = []
  let number = 0
  const send = (response: ServerResponse, text: string): void => {
    response.write(text)
    if (response.writableLength > unreadLimitBytes) cut(response)
  }
  const cut = (response: ServerResponse): void => {
    listeners.delete(response)
    response.destroy()
  }
  let cancel = (): void => {}
  const keepAlive = (): void => {
    cancel = clock.after(keepAliveEveryMs, () => {
      for (const [response, isWelcome] of listeners) {
        if (isWelcome()) send(response, ': keep-alive\n\n')
        else cut(response)
      }
      keepAlive()
    })
  }
  keepAlive()

  return {
    tell(event) {
      if (event.kind === 'reported' || event.kind === 'capacity') return
      number++
      const text = `id: ${life}-${number}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`
      ring.push({ number, text })
      if (ring.length > kept) ring.shift()
      for (const response of listeners.keys()) send(response, text)
    },
    add(response, lastEventId, isWelcome) {
      if (listeners.size >= mostListeners) return false
      listeners.set(response, isWelcome)
      response.on('close', () => listeners.delete(response))
      send(response, missed(lastEventId, life, number, ring))
      return true
    },
    close() {
      cancel()
      for (const response of listeners.keys()) response.end()
      listeners.clear()
    },
  }
}

/** What a listener has to read first. */
function missed(lastEventId: string | undefined, life: string, newest: number, ring: readonly Told[]): string {
  const here = `id: ${life}-${newest}\n`
  // An id without data changes what a listener will come back with, and tells it nothing (HTML §9.2.6).
  if (lastEventId === undefined) return `: welcome\n${here}\n`
  const [, lifeThen, last] = /^([0-9a-z]+)-(\d{1,15})$/.exec(lastEventId) ?? []
  const oldest = ring[0]?.number ?? newest + 1
  if (lifeThen !== life || Number(last) > newest || Number(last) < oldest - 1) {
    return `${here}event: reset\ndata: {"kind":"reset"}\n\n`
  }
  const after = ring.filter(told => told.number > Number(last))
  return after.length === 0 ? `: welcome\n${here}\n` : after.map(({ text }) => text).join('')
}
