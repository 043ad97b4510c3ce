/** Keeps the databases of `geo.update` fresh: each edition on a schedule of its own, beside what the router does. */

import { existsSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'
import type { GeoUpdate } from '../config/config.ts'
import type { MeridianError } from '../errors.ts'
import { backOffMs } from '../geo/update/back-off.ts'
import type { Fetch } from '../geo/update/download.ts'
import type { Edition } from '../geo/update/editions.ts'
import { updateEdition } from '../geo/update/update-edition.ts'

export interface GeoUpdatesOptions {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** A database was replaced. */
  readonly onUpdate: () => void
  /** Told how each attempt ended. */
  readonly onAttempt?: (edition: string, succeeded: boolean) => void
  /** Wait after the first failure, ms; a minute unless told otherwise. */
  readonly firstRetryMs?: number
}

export interface GeoUpdates {
  /** From now on these; undefined: none. */
  use(update: GeoUpdate | undefined): void
  close(): void
}

export function createGeoUpdates(options: GeoUpdatesOptions): GeoUpdates {
  let stops: readonly (() => void)[] = []
  const use = (update: GeoUpdate | undefined): void => {
    for (const stop of stops) stop()
    stops = update === undefined ? [] : update.editions.map(edition => keepFresh(edition, update, options))
  }
  return { use, close: () => use(undefined) }
}

/** @returns how to stop it; a download under way is broken off */
function keepFresh(edition: Edition, update: GeoUpdate, options: GeoUpdatesOptions): () => void {
  const { fetch, clock, random, log, onUpdate, onAttempt, firstRetryMs = 60_000 } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let failures = 0
  let cancel = (): void => {}

  const attempt = async (): Promise<number> => {
    try {
      const { outcome, builtAt, file } = await updateEdition(edition, update, { fetch, clock, signal })
      failures = 0
      onAttempt?.(edition.name, true)
      log.info({ edition: edition.name, outcome, file, builtAt }, `geo update: ${outcome}`)
      if (outcome === 'updated' && !signal.aborted) onUpdate()
      // Routers that started together spread out.
      return update.everyMs * (0.95 + 0.1 * random())
    } catch (error) {
      failures++
      const waitMs = backOffMs(error, failures, { firstMs: firstRetryMs, mostMs: update.everyMs }, random)
      const { code, message } = error as MeridianError
      const retryInSeconds = Math.round(waitMs / 1000)
      if (!signal.aborted) {
        onAttempt?.(edition.name, false)
        log.error({ code, retryInSeconds }, `geo update: ${message}; the database in use stays`)
      }
      return waitMs
    }
  }
  const schedule = (waitMs: number): void => {
    if (signal.aborted) return
    cancel = clock.after(waitMs, () => void attempt().then(schedule))
  }
  // One that is missing is fetched at once. Else not on every start: a router that crashes again and again must not use up
  // the day's downloads.
  schedule(existsSync(edition.file) ? update.everyMs * 0.1 * random() : 0)
  return () => {
    stopping.abort()
    cancel()
  }
}
