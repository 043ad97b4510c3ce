/** Who wants to hear what happens in a fleet: the part of `watch` that every store has alike. */

import type { FleetEvent } from './store.ts'

export class Watchers {
  readonly #listeners = new Set<(event: FleetEvent) => void>()

  /** @returns how to stop it */
  add(listener: (event: FleetEvent) => void): () => void {
    // Wrapped, so that a function that watches twice is called twice and stops one watch at a time.
    const own = (event: FleetEvent): void => listener(event)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  tell(event: FleetEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }

  clear(): void {
    this.#listeners.clear()
  }
}
