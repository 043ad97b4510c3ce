/**
 * What operators said, as of the last reading or as it was kept on disk, and putting it back into a Redis that has lost
 * everything. Regions register again by themselves.
 */

import type { RedisAccess } from './redis-access.ts'
import type { Remembered } from './remembered.ts'

export interface RememberingOptions {
  readonly access: RedisAccess
  readonly fleet: string
  /** As it was kept on disk. */
  readonly remembered?: Remembered | undefined
  readonly onWarning: (message: string) => void
}

export class Remembering {
  readonly #options: RememberingOptions
  #remembered: Remembered | undefined
  /** Whether that was kept on disk, and may be old. */
  #fromDisk = true
  /** Shared by all who read meanwhile. */
  #restoring: Promise<void> | undefined

  constructor(options: RememberingOptions) {
    this.#options = options
    this.#remembered = options.remembered
  }

  get latest(): Remembered | undefined {
    return this.#remembered
  }

  take(remembered: Remembered): void {
    this.#remembered = remembered
    this.#fromDisk = false
  }

  /**
   * @param incarnation of the Redis that was read
   * @returns whether this is another Redis than the one remembered, which was told of it: what was read is out of date then
   * @throws MeridianError STORE_UNAVAILABLE, STORE_UNSUITABLE
   */
  async restoreInto(incarnation: string): Promise<boolean> {
    if (this.#remembered === undefined || incarnation === this.#remembered.incarnation) return false
    this.#restoring ??= this.#restore(this.#remembered).finally(() => {
      this.#restoring = undefined
    })
    await this.#restoring
    return true
  }

  async #restore({ at, mode, drains, tokens }: Remembered): Promise<void> {
    const { access, fleet, onWarning } = this.#options
    const fromDisk = this.#fromDisk
    const args = [mode, drains.length / 2, fromDisk ? 1 : 0, at, access.channel, ...drains, ...tokens]
    const [outcome] = (await access.run('restore', args)) as readonly ['OK' | 'KNOWN' | 'SPOKEN']
    this.#remembered = undefined
    const done = {
      OK: `drains, tokens and mode were put back${fromDisk ? ' from disk' : ''}`,
      KNOWN: 'drains, tokens and mode are there already',
      SPOKEN:
        'drains, tokens and mode kept on disk were not put back, as others have put theirs back or operators have spoken since',
    }[outcome]
    onWarning(`Redis has lost what it knew of fleet ${fleet}: ${done}; regions have to register again`)
  }
}
