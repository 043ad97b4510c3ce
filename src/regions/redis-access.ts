/**
 * The keys of one fleet in Redis, and the way to them: only after this Redis has been found fit to hold a fleet, and again
 * after every time that the connection was lost.
 */

import type { Clock } from '../clock.ts'
import { MeridianError } from '../errors.ts'
import type { RedisConnection } from './redis-connection.ts'
import { keyNames, type ScriptName, schemaVersion } from './redis-scripts.ts'

type KeyName = (typeof keyNames)[number] | 'audit' | 'latency'

export interface RedisAccessOptions {
  readonly connection: RedisConnection
  readonly fleet: string
  readonly keyPrefix: string
  /** What events are published on. */
  readonly channel: string
  readonly clock: Clock
}

/** How often the settings of a Redis are looked at that stays connected: somebody may change them meanwhile. */
const inspectEveryMs = 60_000

/** A Redis that is full or a replica refuses these; others may still pass, as they only take away. */
const renewing: ReadonlySet<ScriptName> = new Set(['register', 'heartbeat', 'announce'])

/** Keys carry one hash tag, so that a fleet lives in one slot of a Cluster. */
function fleetKey(keyPrefix: string, fleet: string, name: string): string {
  return `${keyPrefix}{meridian:${fleet}}:${name}`
}

/** Keys of two databases are apart by themselves; channels are one for the whole server, so their names say which. */
export function eventChannel(keyPrefix: string, fleet: string, database: number): string {
  return fleetKey(keyPrefix, fleet, `events:${database}`)
}

export class RedisAccess {
  readonly channel: string
  readonly #options: RedisAccessOptions
  readonly #keys: readonly string[]
  #inspection: Promise<void> | undefined
  #inspectedAt = 0
  #wasFit = false
  #evictionFault: string | undefined
  #writeFault: string | undefined

  constructor(options: RedisAccessOptions) {
    this.#options = options
    this.channel = options.channel
    this.#keys = keyNames.map(name => this.key(name))
  }

  key(name: KeyName): string {
    return fleetKey(this.#options.keyPrefix, this.#options.fleet, name)
  }

  /** Why the last script that renews something, or would do as well, was not taken; undefined where it was. */
  get writeFault(): string | undefined {
    return this.#writeFault
  }

  /** That this Redis may throw regions away, as found out last, and how to mend it; undefined where it keeps them. */
  get evictionFault(): string | undefined {
    return this.#evictionFault
  }

  /**
   * What a script answers; its first entry says how it went.
   * @throws MeridianError STORE_UNAVAILABLE, STORE_UNSUITABLE
   */
  async run(script: ScriptName, args: readonly (string | number)[]): Promise<readonly unknown[]> {
    try {
      await this.inspect()
      const reply = await this.#runUnchecked(script, args)
      if (renewing.has(script)) this.#writeFault = undefined
      return reply
    } catch (error) {
      if (renewing.has(script)) this.#writeFault = (error as Error).message
      throw error
    }
  }

  /** @throws MeridianError STORE_UNAVAILABLE, STORE_UNSUITABLE */
  async command(name: string, args: readonly (string | number)[]): Promise<unknown> {
    await this.inspect()
    return this.#options.connection.command(name, args)
  }

  /** Finds out once for each connection whether this Redis may hold a fleet. @throws MeridianError STORE_UNSUITABLE */
  inspect(): Promise<void> {
    this.#inspection ??= this.#inspectNow().catch(error => {
      this.#inspection = undefined
      throw error
    })
    return this.#inspection
  }

  /** To be called when the connection was lost: who answers next may be another Redis. */
  forgetInspection(): void {
    this.#inspection = undefined
  }

  /** Where the last look is a while ago. Never rejects: of a Redis that is away, or is another one now, others tell. */
  async inspectAgain(): Promise<void> {
    if (!this.#wasFit || this.#options.clock.now() - this.#inspectedAt < inspectEveryMs) return
    await this.#inspectNow().catch(() => {})
  }

  /** Eviction is refused at the start, when an operator is looking; later a fleet that is served is better than none. */
  async #inspectNow(): Promise<void> {
    this.#inspectedAt = this.#options.clock.now()
    const [, memory] = await this.#runUnchecked('stamp', [])
    const policy = /^maxmemory_policy:(\S+)/m.exec(String(memory))?.[1] ?? 'noeviction'
    const fault = `Redis may throw regions away when its memory is full (maxmemory-policy ${policy}): run CONFIG SET maxmemory-policy noeviction`
    if (policy !== 'noeviction' && !this.#wasFit) throw new MeridianError('STORE_UNSUITABLE', fault)
    this.#evictionFault = policy === 'noeviction' ? undefined : fault
    this.#wasFit = true
  }

  async #runUnchecked(script: ScriptName, args: readonly (string | number)[]): Promise<readonly unknown[]> {
    const reply = await this.#options.connection.run(script, this.#keys, args)
    if (reply[0] === 'SCHEMA') throw this.#otherSchema(String(reply[1]))
    return reply
  }

  #otherSchema(found: string): MeridianError {
    const mend = Number(found) > schemaVersion ? 'upgrade this router' : 'give this fleet another name or key prefix'
    return new MeridianError(
      'STORE_UNSUITABLE',
      `fleet ${this.#options.fleet} is stored in Redis in schema version ${found}, and this router knows ${schemaVersion}: ${mend}`,
    )
  }
}
