/**
 * Two connections to Redis, one for commands and one for events, and the only place that knows the client library.
 *
 * Every command has a deadline and none waits for a connection: whoever asks while Redis is away hears so at once. The
 * connections come back by themselves, with exponential backoff and jitter.
 */

import { Cluster, Redis } from 'ioredis'
import type { Random } from '../clock.ts'
import { MeridianError } from '../errors.ts'
import { reconnectDelayMs } from './reconnect-delay.ts'
import { keyNames, type ScriptName, scripts, scriptText } from './redis-scripts.ts'

export interface RedisTarget {
  /** One server, the Sentinels that know it, or some nodes of a Cluster. */
  readonly at:
    | { readonly kind: 'single'; readonly node: RedisNode }
    | { readonly kind: 'sentinels'; readonly nodes: readonly RedisNode[]; readonly name: string }
    | { readonly kind: 'cluster'; readonly nodes: readonly RedisNode[] }
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly database: number
  /** PEM texts; absent: no TLS. */
  readonly tls?:
    | { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
    | undefined
  /** For connecting, and for each command. */
  readonly timeoutMs: number
}

export interface RedisNode {
  readonly host: string
  readonly port: number
}

export interface RedisConnection {
  /** Resolves once Redis answers; rejects with the first reason why it does not. @throws MeridianError */
  whenReady(): Promise<void>
  /** @throws MeridianError STORE_UNAVAILABLE */
  run(script: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<readonly unknown[]>
  /** @throws MeridianError STORE_UNAVAILABLE */
  command(name: string, args: readonly (string | number)[]): Promise<unknown>
  /** Proves the connection for events, which would not notice by itself that the network has swallowed it. */
  checkEvents(): void
  close(): void
}

export interface RedisConnectionOptions {
  readonly target: RedisTarget
  readonly random: Random
  readonly channel: string
  readonly onMessage: (message: string) => void
  /** The connection for commands is gone; it comes back by itself. */
  readonly onLost: () => void
}

/** Connects at once, in the background; whoever makes it closes it. */
export function connectRedis({ target, random, channel, onMessage, onLost }: RedisConnectionOptions): RedisConnection {
  const commands = open(target, random)
  const events = open(target, random)
  for (const name of Object.keys(scripts) as ScriptName[]) {
    commands.defineCommand(name, { numberOfKeys: keyNames.length, lua: scriptText(name) })
  }
  let lastError: Error | undefined
  commands.on('error', (error: Error) => {
    lastError = error
  })
  commands.on('ready', () => {
    lastError = undefined
  })
  commands.on('close', onLost)
  // Both connections fail for the same reasons; it is the one for commands that is asked for them.
  events.on('error', () => {})
  events.on('message', (_channel: string, message: string) => onMessage(message))
  const firstSubscription = new Promise<Error | undefined>(resolve => {
    events.on('ready', () => {
      const again = (error: Error): void => {
        resolve(error)
        events.disconnect(true)
      }
      events.subscribe(channel).then(() => resolve(undefined), again)
    })
  })

  const unavailable = (error: unknown) => refusal(target, (lastError ?? error) as Error)
  const attempt = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action()
    } catch (error) {
      throw unavailable(error)
    }
  }
  return {
    async whenReady() {
      const error = (await firstReady(commands)) ?? (await firstSubscription)
      if (error !== undefined) throw unavailable(error)
    },
    run: (script, keys, args) =>
      attempt(() => (commands as unknown as Record<ScriptName, Script>)[script](...keys, ...args)),
    command: (name, args) => attempt(() => commands.call(name, ...args)),
    checkEvents: () => void events.ping().catch(() => {}),
    close() {
      for (const client of [commands, events]) {
        // Hanging up in the middle of a TLS handshake draws an alert, and the client no longer listens for errors then.
        if (client instanceof Redis) client.stream?.on('error', () => {})
        client.disconnect()
      }
    },
  }
}

/** What keeps it from being ready; undefined once it is. */
function firstReady(client: Redis | Cluster): Promise<Error | undefined> {
  return new Promise(resolve => {
    const settle = (): void => {
      client.off('ready', settle)
      client.off('close', settle)
      resolve(client.status === 'ready' ? undefined : new Error('the connection was closed'))
    }
    if (client.status === 'ready') return settle()
    client.on('ready', settle)
    client.on('close', settle)
  })
}

type Script = (...keysAndArgs: (string | number)[]) => Promise<readonly unknown[]>

function open({ at, username, password, database, tls, timeoutMs }: RedisTarget, random: Random): Redis | Cluster {
  const retryStrategy = (times: number): number => reconnectDelayMs(times, random)
  const common = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls: definedOf(tls) }),
    commandTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    // A connection that stays silent while commands time out is taken for dead.
    socketTimeout: 2 * timeoutMs,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // The handler of `ready` subscribes, the first time and every other.
    autoResubscribe: false,
    connectionName: 'meridian',
    // After a failover the former master refuses writes: look for the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  }
  switch (at.kind) {
    case 'single':
      return new Redis({ ...at.node, ...common, db: database, enableOfflineQueue: false, retryStrategy })
    case 'sentinels':
      return new Redis({
        ...common,
        sentinels: [...at.nodes],
        name: at.name,
        db: database,
        ...(tls !== undefined && { sentinelTLS: definedOf(tls) }),
        enableOfflineQueue: false,
        retryStrategy,
        sentinelRetryStrategy: retryStrategy,
      })
    case 'cluster':
      return new Cluster([...at.nodes], {
        redisOptions: common,
        enableOfflineQueue: false,
        clusterRetryStrategy: retryStrategy,
      })
  }
}

function definedOf<T extends object>(value: T): { [Key in keyof T]: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [Key in keyof T]: NonNullable<T[Key]>
  }
}

const refused = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR (?:DB index|invalid password|Client sent AUTH|AUTH <password>))/

/** Where Redis is, and its own words; a password is never among them. */
function refusal(target: RedisTarget, cause: Error): MeridianError {
  const reason = cause.message === '' ? ((cause as NodeJS.ErrnoException).code ?? 'no reason given') : cause.message
  if (refused.test(reason)) {
    const mend = 'look at user, password, rights and database number in the section redis'
    return new MeridianError(
      'STORE_UNSUITABLE',
      `Redis at ${placeOf(target)} refuses this router: ${reason}; ${mend}`,
      { cause },
    )
  }
  return new MeridianError('STORE_UNAVAILABLE', `Redis at ${placeOf(target)} did not take the command: ${reason}`, {
    cause,
  })
}

function placeOf({ at }: RedisTarget): string {
  const nodes = at.kind === 'single' ? [at.node] : at.nodes
  return nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')
}
