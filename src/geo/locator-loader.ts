/**
 * Builds one locator after another over the life of a router, and reads only the files that have changed since the last.
 *
 * A change of ten lines of overrides then costs no second reading of a hundred megabytes of database.
 */

import { fileState } from './file-state.ts'
import { type AsnDatabase, loadAsns, loadPlaces, type PlaceDatabase } from './load-database.ts'
import { type LocatorFiles, loadLocator } from './load-locator.ts'
import type { Locator } from './location.ts'

export interface LoadedLocator {
  /** The very same as before where no file has changed. */
  readonly locator: Locator
  /** State of each file when it was read, by path. */
  readonly states: ReadonlyMap<string, string>
}

export class LocatorLoader {
  #last: (LoadedLocator & { readonly key: string }) | undefined
  /** Of the last locator that was built, by kind, path and state of the file. */
  #databases: ReadonlyMap<string, PlaceDatabase | AsnDatabase> = new Map()

  /** @throws MeridianError as `loadLocator` does; the next call is as if this one had not been */
  async load(files: LocatorFiles): Promise<LoadedLocator> {
    const paths = [...files.databases, files.asn, files.overrides].filter(path => path !== undefined)
    // Looked at before they are read: what changes in between is noticed the next time.
    const states = new Map(await Promise.all(paths.map(async path => [path, await fileState(path)] as const)))
    const key = JSON.stringify([files, ...states])
    if (this.#last?.key === key) return this.#last

    const databases = new Map<string, PlaceDatabase | AsnDatabase>()
    const keep = async <D extends PlaceDatabase | AsnDatabase>(kind: string, file: string, load: () => Promise<D>) => {
      const name = JSON.stringify([kind, file, states.get(file), files.countryPoints])
      const database = (this.#databases.get(name) as D | undefined) ?? (await load())
      databases.set(name, database)
      return database
    }
    const locator = await loadLocator(files, {
      places: (file, countryPoints) => keep('places', file, () => loadPlaces(file, countryPoints)),
      asns: file => keep('asns', file, () => loadAsns(file)),
    })
    this.#databases = databases
    this.#last = { key, locator, states }
    return this.#last
  }
}
