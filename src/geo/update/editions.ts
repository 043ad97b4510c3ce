/** Which databases are kept fresh, and where they lie: an edition is fetched into the file that the router reads. */

import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { MeridianError } from '../../errors.ts'
import type { LocatorFiles } from '../load-locator.ts'

export interface Edition {
  /** MaxMind's name: `GeoLite2-City`. */
  readonly name: string
  /** Path of `<name>.mmdb`, where the router reads it. */
  readonly file: string
  readonly kind: 'database' | 'asn'
}

/** Every file in use that is called `<name>.mmdb`. */
export function placesOf(name: string, { databases, asn }: Pick<LocatorFiles, 'databases' | 'asn'>): Edition[] {
  const files = [
    ...databases.map(file => ({ name, file, kind: 'database' as const })),
    ...(asn === undefined ? [] : [{ name, file: asn, kind: 'asn' as const }]),
  ]
  return files.filter(({ file }) => basename(file) === `${name}.mmdb`)
}

/**
 * The same files without those that are still to be downloaded, so that a router may start before.
 *
 * @throws MeridianError FILE_UNREADABLE where no database would be left
 */
export function withoutAwaited<F extends LocatorFiles>(files: F, editions: readonly Edition[]): F {
  const awaited = new Set(editions.map(({ file }) => file).filter(file => !existsSync(file)))
  const databases = files.databases.filter(file => !awaited.has(file))
  if (databases.length === 0) {
    const mend = 'run meridian geo update first, or add embedded to geo.databases to start without it'
    throw new MeridianError('FILE_UNREADABLE', `${files.databases.join(', ')}: still to be downloaded; ${mend}`)
  }
  return { ...files, databases, asn: files.asn !== undefined && awaited.has(files.asn) ? undefined : files.asn }
}
