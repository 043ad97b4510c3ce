/**
 * Takes changed files into use while the router runs: configuration, region files, databases, overrides.
 *
 * All of it is read and checked aside, and swapped only if nothing is wrong with any of it. Otherwise what ran runs on, and
 * one line of the log names every fault.
 */

import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { faultsInPlace, MeridianError } from '../errors.ts'
import { changesBetween, describeChanges } from './reload-changes.ts'
import { differingKeys, withHotKeys } from './reload-config.ts'
import type { InputReader, Inputs } from './reload-inputs.ts'
import { type FileWatch, type WatchTimes, watchFiles } from './reload-watch.ts'

export interface ConfigSource {
  /** Watched; undefined: nothing but the environment, which does not change. */
  readonly file: string | undefined
  /** @throws MeridianError CONFIG_INVALID, FILE_UNREADABLE */
  read(): Config
}

export interface ReloaderOptions {
  readonly reader: InputReader
  /** Undefined: the configuration stays as it is. */
  readonly source: ConfigSource | undefined
  /** Puts the next inputs into the place of those before. */
  readonly swap: (next: Inputs, before: Inputs) => Promise<void>
  /** Told of every attempt, also of those that the log passes over. */
  readonly onReload?: (succeeded: boolean) => void
  readonly log: Logger
  readonly clock: Clock
  readonly watchTimes?: WatchTimes | undefined
}

export interface Reloader {
  /** Resolves once everything that was in the files at the time of the call is in use, or was refused. Never rejects. */
  reload(): Promise<void>
  close(): Promise<void>
}

/**
 * Resolves once changes are noticed.
 * @param running what the router runs on so far
 */
export async function startReloader(running: Inputs, options: ReloaderOptions): Promise<Reloader> {
  const reloader = new WatchingReloader(running, options)
  await reloader.start()
  return reloader
}

class WatchingReloader implements Reloader {
  readonly #options: ReloaderOptions
  readonly #watch: FileWatch
  #running: Inputs
  /** What the last reload was refused for. */
  #refusal: object | undefined
  #closed = false
  #queue: Promise<void> = Promise.resolve()

  constructor(running: Inputs, options: ReloaderOptions) {
    this.#options = options
    this.#running = running
    this.#watch = watchFiles(options.clock, () => void this.#enqueue(false), options.watchTimes)
  }

  async start(): Promise<void> {
    await this.#watch.use(this.#pathsOf(this.#running.config))
    // What changed between its reading and the beginning of the watch.
    await this.#enqueue(false)
  }

  reload(): Promise<void> {
    return this.#enqueue(true)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watch.close()
    await this.#queue
  }

  #enqueue(isAskedFor: boolean): Promise<void> {
    this.#queue = this.#queue.then(() => (this.#closed ? undefined : this.#reload(isAskedFor)))
    return this.#queue
  }

  async #reload(isAskedFor: boolean): Promise<void> {
    try {
      await this.#readAndSwap(isAskedFor)
      this.#refusal = undefined
      this.#options.onReload?.(true)
    } catch (error) {
      this.#options.onReload?.(false)
      const line = error instanceof MeridianError ? { code: error.code, faults: faultsInPlace(error) } : { err: error }
      // A file that is written to in several steps is as wrong after each of them.
      if (!isAskedFor && isDeepStrictEqual(line, this.#refusal)) return
      this.#refusal = line
      this.#options.log.error(line, 'a reload was refused; what ran runs on')
    }
  }

  async #readAndSwap(isAskedFor: boolean): Promise<void> {
    const { source, reader, swap, log } = this.#options
    const before = this.#running
    const wanted = source?.read() ?? before.config
    const config = withHotKeys(before.config, wanted)
    // Also of what is refused in the end: a missing file may come.
    await this.#watch.use(this.#pathsOf(config))
    const next = await reader.read(config, before)
    const changes = changesBetween(before, next, differingKeys(config, wanted))
    await swap(next, before)
    this.#running = next
    for (const warning of next.warnings) if (!before.warnings.includes(warning)) log.warn(warning)
    const hasChanged = Object.keys(changes).length > 0
    if (hasChanged || isAskedFor) log.info(changes, `reloaded: ${describeChanges(changes)}`)
  }

  #pathsOf({ geo, regions }: Config): string[] {
    const { file } = this.#options.source ?? {}
    const paths = [file, ...geo.databases, geo.asn, geo.overrides, regions.directory]
    return paths.filter(path => path !== undefined)
  }
}
