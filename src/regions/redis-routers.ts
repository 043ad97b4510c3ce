/**
 * The routers of a fleet in Redis: each writes what there is to know of it about once a second, beside a reading, and each
 * reading brings the others along.
 *
 * Who is not heard of is believed for a while longer: a Redis that comes back empty does not make neighbours strangers.
 */

import type { Clock, Random } from '../clock.ts'
import { shown } from '../schema.ts'
import type { RedisAccess } from './redis-access.ts'
import { mostAddresses, parsePresence, type RouterPresence } from './router-presence.ts'

/** Readings come once a second, never quite. */
const everyMs = 900
/** Without a word from it, a router counts as gone. */
const livesMs = 10_000

export interface RedisRoutersOptions {
  readonly clock: Clock
  /** Tells two routers of one id apart. */
  readonly random: Random
  /** Absent: nothing is told of this one. */
  readonly presence?: () => RouterPresence
  readonly onWarning: (message: string) => void
}

interface Neighbour {
  readonly text: string
  /** Undefined: what it wrote does not pass the checks. */
  readonly presence: RouterPresence | undefined
  /** On this machine's clock; undefined while readings have it. */
  readonly missingSince?: number
}

/** Of this router, and of no other process: its id, and what tells it from another one that was given the same. */
export function routerName({ presence, random }: Pick<RedisRoutersOptions, 'presence' | 'random'>): string {
  return `${presence?.().id ?? 'unnamed'}:${Math.floor(random() * 2 ** 48).toString(36)}`
}

export class RedisRouters {
  readonly #options: RedisRoutersOptions
  readonly #field: string
  #writtenAt = Number.NEGATIVE_INFINITY
  /** On the clock of Redis; undefined before it took the first word. */
  #firstWordAt: number | undefined
  #neighbours = new Map<string, Neighbour>()
  #toldOfTwin = false

  /** @param name `routerName` */
  constructor(options: RedisRoutersOptions, name: string) {
    this.#options = options
    this.#field = name
  }

  get isDue(): boolean {
    return this.#options.presence !== undefined && this.#options.clock.now() - this.#writtenAt >= everyMs
  }

  /** The next reading comes with a word, however recent the last one is. */
  becomeDue(): void {
    this.#writtenAt = Number.NEGATIVE_INFINITY
  }

  /** When it is due. @throws MeridianError STORE_UNAVAILABLE, STORE_UNSUITABLE: then it is due again at once */
  async announce(access: RedisAccess): Promise<void> {
    this.#writtenAt = this.#options.clock.now()
    const presence = this.#options.presence!()
    const text = JSON.stringify({ ...presence, addresses: presence.addresses.slice(0, mostAddresses) })
    try {
      const [, now] = (await access.run('announce', [this.#field, text, livesMs])) as readonly [string, number]
      this.#firstWordAt ??= now
    } catch (error) {
      this.becomeDue()
      throw error
    }
  }

  /**
   * @param flat names and values in turn, as Redis gives a hash
   * @param storeNow its time of this reading, ms
   */
  take(flat: readonly string[], storeNow: number): void {
    const present = new Map<string, Neighbour>()
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const field = flat[i]!
      const [, stamp, text = ''] = /^(\d{1,16}) (.*)$/s.exec(flat[i + 1]!) ?? []
      const at = Number(stamp ?? Number.NEGATIVE_INFINITY)
      if (field === this.#field || storeNow - at >= livesMs) continue
      const known = this.#neighbours.get(field)
      const presence = known?.text === text ? known.presence : this.#parse(field, text)
      present.set(field, { text, presence })
      if (presence !== undefined) this.#tellOfTwin(presence.id, at)
    }
    const now = this.#options.clock.now()
    for (const [field, { missingSince = now, ...neighbour }] of this.#neighbours) {
      if (!present.has(field) && now - missingSince < livesMs) present.set(field, { ...neighbour, missingSince })
    }
    this.#neighbours = present
  }

  /** All but this one. */
  others(): readonly RouterPresence[] {
    return [...this.#neighbours.values()].flatMap(({ presence }) => presence ?? [])
  }

  #parse(field: string, text: string): RouterPresence | undefined {
    try {
      return parsePresence(text)
    } catch (error) {
      this.#options.onWarning(
        `what router ${shown(field)} says of itself in Redis is left out: ${(error as Error).message}`,
      )
      return undefined
    }
  }

  /** Not of what this router itself wrote before it was started again. */
  #tellOfTwin(id: string, at: number): void {
    if (this.#toldOfTwin || this.#firstWordAt === undefined || at <= this.#firstWordAt) return
    if (id !== this.#options.presence!().id) return
    this.#toldOfTwin = true
    this.#options.onWarning(`another router of this fleet is called ${shown(id)}, too: give each its own router.id`)
  }
}
