/** What has been started and must be stopped, the latest first. */

export class Stops {
  readonly #stops: (() => unknown)[] = []

  push(stop: () => unknown): void {
    this.#stops.push(stop)
  }

  /** Each is run once and awaited before the next; a second call finds nothing left. */
  async run(): Promise<void> {
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) await stop()
  }
}
