/**
 * Measured round trips on their way into decisions: from the API and other routers into the model, from there into the
 * locator that the router decides with, and onto disk.
 *
 * No decision waits for any of it. A locator with other beliefs costs the router its plans, which it makes anew as clients
 * come: so beliefs are taken over every ten seconds, and only when they differ noticeably.
 */

import type { Clock } from '../clock.ts'
import type { LatencyIntake } from '../control/dependencies.ts'
import type { Locator } from '../geo/location.ts'
import { formatNetwork, networkOf, parseNetwork } from '../geo/network.ts'
import type { LatencyExchange, SharedSample } from '../regions/latency-exchange.ts'
import type { Snapshot } from '../regions/snapshot.ts'
import { FleetLayout } from '../routing/fleet.ts'
import type { LatencyModel, LatencySample } from '../routing/latency/latency-model.ts'
import type { LiveRouter } from '../routing/router.ts'
import { readLatencyFile, writeLatencyFile } from './latency-file.ts'
import { repeat } from './system-clock.ts'

const reviseEveryMs = 1_000
const takeOverEveryMs = 10_000
const exchangeEveryMs = 5_000
const keepEveryMs = 300_000
/** Networks, regions and sources that wait to be told to others; what comes beyond stays here. */
const mostWaiting = 5_000

export interface LatencyFeedOptions {
  readonly model: LatencyModel
  readonly router: Pick<LiveRouter, 'useLocator'>
  readonly locator: Locator
  /** Absent: there are no other routers. */
  readonly exchange?: LatencyExchange | undefined
  readonly file: string
  readonly fleet: string
  /** Milliseconds since 1970. */
  readonly clock: Clock
  /** Something that an operator should see; told once until it works again. */
  readonly onFault: (message: string) => void
}

export interface LatencyFeed extends LatencyIntake {
  useSnapshot(snapshot: Snapshot): void
  /** Another geography: the router decides with it, and with what is believed, from now on. */
  useLocator(locator: Locator): void
  /** Keeps what is known on disk. */
  close(): Promise<void>
}

/** Resolves once what was kept on disk is known again. */
export async function startLatencyFeed(options: LatencyFeedOptions): Promise<LatencyFeed> {
  const { file, fleet, model, onFault } = options
  const position = await readLatencyFile(file, fleet, model, onFault)
  return new Feed(options, position)
}

interface Waiting {
  readonly network: string
  readonly region: string
  readonly source: string
  logs: number
  weight: number
}

class Feed implements LatencyFeed {
  /** Without the first locator, which is let go when another comes. */
  readonly #options: Omit<LatencyFeedOptions, 'locator'>
  readonly #stops: readonly (() => void)[]
  #waiting = new Map<string, Waiting>()
  #locator: Locator
  #view: Locator
  #layout: FleetLayout
  #position: string | undefined
  #hasNews = false
  readonly #failing = new Set<string>()
  #writing: Promise<void> = Promise.resolve()

  constructor(options: LatencyFeedOptions, position: string | undefined) {
    const { locator, ...rest } = options
    const { model, clock, exchange } = rest
    this.#options = rest
    this.#position = position
    this.#locator = locator
    this.#view = locator
    this.#layout = new FleetLayout([], locator.cells)
    model.useWorld(locator, this.#layout)
    model.reviseAll()
    this.#stops = [
      repeat(clock, reviseEveryMs, () => model.revise(clock.now())),
      repeat(clock, takeOverEveryMs, () => this.#takeOver()),
      repeat(clock, keepEveryMs, () => this.#keep()),
      ...(exchange === undefined ? [] : [repeat(clock, exchangeEveryMs, () => this.#exchange(exchange))]),
    ]
  }

  record(sample: LatencySample, source: string): string | undefined {
    const fault = this.#options.model.record(sample, source, this.#options.clock.now())
    if (fault !== undefined) return fault
    this.#hasNews = true
    if (this.#options.exchange !== undefined) this.#wait(sample, source)
    return undefined
  }

  useSnapshot({ regions }: Snapshot): void {
    if (this.#layout.fits(regions)) return
    const isFirst = this.#layout.regions.length === 0
    this.#useRegions(regions.map(({ region }) => region))
    // What was kept on disk counts from the first decision on.
    if (isFirst) this.#takeOver()
  }

  useLocator(locator: Locator): void {
    this.#locator = locator
    this.#useRegions(this.#layout.regions)
    this.#view = this.#options.model.view(this.#options.clock.now())
    this.#options.router.useLocator(this.#view)
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
    await this.#keep()
  }

  #useRegions(regions: FleetLayout['regions']): void {
    const { model } = this.#options
    this.#layout = new FleetLayout(regions, this.#locator.cells)
    model.useWorld(this.#locator, this.#layout)
    model.reviseAll()
  }

  #takeOver(): void {
    const view = this.#options.model.view(this.#options.clock.now())
    if (view === this.#view) return
    this.#view = view
    this.#options.router.useLocator(view)
  }

  #wait({ network, region, rttMs }: LatencySample, source: string): void {
    const text = formatNetwork(networkOf(network.address, network.address.family === 4 ? 24 : 48))
    const key = `${text} ${region} ${source}`
    const known = this.#waiting.get(key)
    if (known !== undefined) {
      known.logs += Math.log(rttMs)
      known.weight++
    } else if (this.#waiting.size < mostWaiting) {
      this.#waiting.set(key, { network: text, region, source, logs: Math.log(rttMs), weight: 1 })
    }
  }

  async #exchange(exchange: LatencyExchange): Promise<void> {
    await this.#attempt('measured latency is not shared with other routers', async () => {
      await this.#publish(exchange)
      const { samples, position } = await exchange.take(this.#position)
      for (const sample of samples) this.#recordShared(sample)
      this.#position = position
    })
  }

  /** What could not be told is told the next time. */
  async #publish(exchange: LatencyExchange): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = new Map()
    const samples = [...waiting.values()].map(({ network, region, source, logs, weight }) => ({
      ...{ network, region, source, weight },
      rttMs: Math.exp(logs / weight),
    }))
    try {
      await exchange.publish(samples)
    } catch (error) {
      for (const [key, entry] of waiting) {
        if (!this.#waiting.has(key) && this.#waiting.size < mostWaiting) this.#waiting.set(key, entry)
      }
      throw error
    }
  }

  /** Checked like any other: this router may know other regions and places than the one that took it. */
  #recordShared({ network, source, ...sample }: SharedSample): void {
    const parsed = parseNetwork(network)
    if (!parsed.ok) return
    this.#options.model.record({ ...sample, network: parsed.value }, source, this.#options.clock.now())
    this.#hasNews = true
  }

  #keep(): Promise<void> {
    const { file, fleet, model, clock } = this.#options
    this.#writing = this.#writing.then(async () => {
      if (!this.#hasNews) return
      this.#hasNews = false
      await this.#attempt('measured latency is not kept for a restart', async () => {
        await writeLatencyFile(file, fleet, model, clock.now(), this.#position)
      })
    })
    return this.#writing
  }

  async #attempt(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action()
      this.#failing.delete(what)
    } catch (error) {
      if (!this.#failing.has(what)) this.#options.onFault(`${what}: ${(error as Error).message}`)
      this.#failing.add(what)
    }
  }
}
