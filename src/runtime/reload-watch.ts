/**
 * Notices that files have changed, however that was done: written in place, in two writes, replaced by a rename, or by
 * swapping the link of a folder around them, as Kubernetes does.
 *
 * The system's notifications are for speed only: they are told in any order, may be out of reach (network file systems,
 * limits) and end with the folder they are about. What counts is the state of the files, which is also looked at regularly.
 */

import { type FSWatcher, watch } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import { fileState } from '../geo/file-state.ts'
import { repeat } from './system-clock.ts'

export interface WatchTimes {
  /** Files must be left alone for so long before they count as written. */
  readonly quietMs: number
  /** Longest wait for that. */
  readonly mostMs: number
  /** Between looks at the files without any notification. */
  readonly pollMs: number
}

export const defaultWatchTimes: WatchTimes = { quietMs: 100, mostMs: 1_000, pollMs: 10_000 }

export interface FileWatch {
  /** Watches these files, and folders with the files directly in them, from now on; none of them need exist. */
  use(paths: readonly string[]): Promise<void>
  close(): void
}

/** @param onChange called after each change; must not throw */
export function watchFiles(clock: Clock, onChange: () => void, times: WatchTimes = defaultWatchTimes): FileWatch {
  return new NotifiedWatch(clock, onChange, times)
}

class NotifiedWatch implements FileWatch {
  readonly #clock: Clock
  readonly #onChange: () => void
  readonly #times: WatchTimes
  readonly #stopPolling: () => void
  #paths: readonly string[] = []
  #seen = ''
  #watchers = new Map<string, FSWatcher>()
  #cancelLook: (() => void) | undefined
  #firstNoticeAt = 0
  #closed = false
  /** One look after the other: two at once would arm twice. */
  #queue: Promise<void> = Promise.resolve()

  constructor(clock: Clock, onChange: () => void, times: WatchTimes) {
    this.#clock = clock
    this.#onChange = onChange
    this.#times = times
    this.#stopPolling = repeat(clock, times.pollMs, () => this.#look())
  }

  use(paths: readonly string[]): Promise<void> {
    return this.#enqueue(async () => {
      if (paths.join('\0') === this.#paths.join('\0')) return
      this.#paths = paths
      await this.#arm()
      this.#seen = await stateOf(paths)
    })
  }

  close(): void {
    this.#closed = true
    this.#stopPolling()
    this.#cancelLook?.()
    for (const watcher of this.#watchers.values()) watcher.close()
  }

  #look(): Promise<void> {
    return this.#enqueue(async () => {
      // Folders may be others by now, of the same names.
      await this.#arm()
      const state = await stateOf(this.#paths)
      if (this.#closed || state === this.#seen) return
      this.#seen = state
      this.#onChange()
    })
  }

  #enqueue(task: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(() => (this.#closed ? undefined : task()))
    return this.#queue
  }

  #notice(): void {
    const now = this.#clock.now()
    if (this.#cancelLook === undefined) this.#firstNoticeAt = now
    this.#cancelLook?.()
    const { quietMs, mostMs } = this.#times
    const waitMs = Math.max(0, Math.min(quietMs, this.#firstNoticeAt + mostMs - now))
    this.#cancelLook = this.#clock.after(waitMs, () => {
      this.#cancelLook = undefined
      void this.#look()
    })
  }

  async #arm(): Promise<void> {
    const wanted = await foldersAround(this.#paths)
    if (this.#closed) return
    const before = this.#watchers
    this.#watchers = new Map()
    for (const [key, { folder, concerns }] of wanted) {
      const watcher = before.get(key) ?? this.#open(folder, concerns)
      if (watcher !== undefined) this.#watchers.set(key, watcher)
    }
    for (const [key, watcher] of before) if (!wanted.has(key)) watcher.close()
  }

  #open(folder: string, concerns: (name: string) => boolean): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || concerns(name)) this.#notice()
      })
      // Its files are still looked at now and then.
      return watcher.on('error', () => watcher.close())
    } catch {
      return undefined
    }
  }
}

interface WatchedFolder {
  readonly folder: string
  /** Whether a notification about this name in the folder may be about one of the files. */
  readonly concerns: (name: string) => boolean
}

/** The folders in which something happens when one of the paths changes, each under a key of its own as long as it exists. */
async function foldersAround(paths: readonly string[]): Promise<Map<string, WatchedFolder>> {
  const names = new Map<string, Set<string> | 'all'>()
  const note = (path: string): void => {
    const folder = dirname(path)
    const known = names.get(folder) ?? new Set()
    if (known !== 'all') names.set(folder, known.add(basename(path)))
  }
  for (const path of paths) {
    note(path)
    const real = await realpath(path).catch(() => path)
    note(real)
    if (await isFolder(real)) names.set(path, 'all')
  }
  const folders = new Map<string, WatchedFolder>()
  for (const [folder, known] of names) {
    const id = await stat(folder).catch(() => undefined)
    if (id === undefined) continue
    // Mounted volumes of Kubernetes change by the rename of a link called ..data.
    const concerns = (name: string) => known === 'all' || known.has(name) || name.startsWith('..')
    folders.set(JSON.stringify([folder, id.dev, id.ino, known === 'all' ? known : [...known]]), { folder, concerns })
  }
  return folders
}

async function stateOf(paths: readonly string[]): Promise<string> {
  return (await Promise.all(paths.map(statesAt))).flat().join()
}

async function statesAt(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => undefined)
  if (names === undefined) return [await fileState(path)]
  const visible = names.filter(name => !name.startsWith('.')).sort()
  return Promise.all(visible.map(async name => `${name} ${await fileState(join(path, name))}`))
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
}
