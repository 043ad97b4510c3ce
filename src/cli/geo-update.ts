/** `meridian geo update`: fetches the databases of `geo.update` once; a running router takes them up by itself. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type GeoUpdate, loadConfig } from '../config/config.ts'
import { MeridianError } from '../errors.ts'
import { type BackOff, backOffMs } from '../geo/update/back-off.ts'
import { retryOf } from '../geo/update/download-error.ts'
import type { Edition } from '../geo/update/editions.ts'
import { type EditionUpdate, updateEdition } from '../geo/update/update-edition.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { shortPath } from './geo-view.ts'
import { takeStopSignal } from './stop-signals.ts'
import { printable, type Terminal } from './terminal.ts'

export interface GeoUpdateOptions {
  readonly config?: string
  readonly force?: boolean
  readonly json?: boolean
}

const backOff: BackOff = { firstMs: 1_000, mostMs: 30_000 }
const maxTries = 4

/** @throws MeridianError of the first edition that failed, after all were tried */
export async function updateDatabases(options: GeoUpdateOptions, terminal: Terminal): Promise<void> {
  const { update } = loadConfig(options.config, terminal.environment).geo
  if (update === undefined) throw nothingToUpdate(options.config)
  const stopping = new AbortController()
  void takeStopSignal().then(signal => stopping.abort(new MeridianError('GEO_UPDATE_FAILED', `stopped by ${signal}`)))
  const errors: MeridianError[] = []
  const updates: EditionUpdate[] = []
  for (const edition of update.editions) {
    try {
      updates.push(await updatePatiently(edition, update, options, stopping.signal, terminal))
    } catch (error) {
      if (!(error instanceof MeridianError)) throw error
      errors.push(error)
    }
  }
  terminal.print(...(options.json ? [JSON.stringify(updates)] : updates.map(describe)))
  if (errors.length === 1) throw errors[0]
  if (errors.length === 0) return
  const faults = errors.map(({ message }) => message)
  throw new MeridianError(errors[0]!.code, faults.join('; '), { faults })
}

/** Tries again where that makes sense and is not asked to be much later. */
async function updatePatiently(
  edition: Edition,
  account: GeoUpdate,
  { force }: GeoUpdateOptions,
  signal: AbortSignal,
  { complain }: Terminal,
): Promise<EditionUpdate> {
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted()
    try {
      return await updateEdition(edition, account, {
        fetch: (url, init) => fetch(url, init),
        clock: systemClock,
        force,
        signal,
      })
    } catch (error) {
      const { retryable, retryAfterMs = 0 } = retryOf(error)
      if (signal.aborted || !retryable || retryAfterMs > backOff.mostMs || tries === maxTries) throw error
      const waitMs = backOffMs(error, tries, backOff, Math.random)
      complain(`meridian: ${printable((error as Error).message)}; trying again in ${(waitMs / 1000).toFixed(1)} s`)
      await sleep(waitMs, undefined, { signal }).catch(() => {})
    }
  }
}

function describe({ edition, outcome, builtAt, file }: EditionUpdate): string {
  return `${edition}  ${outcome}, built ${builtAt.toISOString().slice(0, 10)}  ${shortPath(file)}`
}

function nothingToUpdate(config: string | undefined): MeridianError {
  const where = config === undefined ? 'in the environment, or name a configuration with --config' : `in ${config}`
  const keys = 'geo.update.accountId, geo.update.licenseKey and, in geo.databases, the file to update'
  return new MeridianError('CONFIG_INVALID', `there is nothing to update: set ${keys} ${where}`)
}
