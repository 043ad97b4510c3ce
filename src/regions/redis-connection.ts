/**
 * Two connections to Redis, one for commands and one for events, and the only place that knows the client library.
 *
 * Every command has a deadline and none waits for a connection: whoever asks while Redis is away hears so at once. The
 * connections come back by themselves, with exponential backoff and jitter.
 */

import { Cluster, Redis } from 'ioredis'
import type { Random } from '../clock.ts'
import { reconnectDelayMs } from './reconnect-delay.ts'
import { refusal } from './redis-refusal.ts'
import { keyNames, type ScriptName, scripts, scriptText } from './redis-scripts.ts'

export interface RedisTarget {
  /** One server, the Sentinels that know it, or some nodes of a Cluster. */
  readonly at:
    | { readonly kind: 'single'; readonly node: RedisNode }
    | {
        readonly kind: 'sentinels'
        readonly nodes: readonly RedisNode[]
        readonly name: string
        /** Of the Sentinels themselves; absent: they ask for none. */
        readonly username?: string | undefined
        readonly password?: string | undefined
      }
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
  /** Every place where it may be: as configured, and as Sentinels or a Cluster have told since. */
  nodes(): readonly RedisNode[]
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
  const told = new Map<string, RedisNode>()
  const listen = noteInto(told)
  const commands = open(target, random, listen)
  const events = openForEvents(target, random, listen)
  for (const name of Object.keys(scripts) as ScriptName[]) {
    commands.defineCommand(name, { numberOfKeys: keyNames.length, lua: scriptText(name) })
  }
  let lastError: Error | undefined
  // Of a Cluster, the error of one of its nodes says more.
  commands.on('error', (error: Error & { readonly lastNodeError?: Error }) => {
    // Said after every round of the Sentinels, even if all of them answered.
    if (!error.message.startsWith('All sentinels are unreachable')) lastError = error.lastNodeError ?? error
  })
  commands.on('sentinelError', (error: Error) => {
    lastError = error
  })
  commands.on('ready', () => {
    lastError = undefined
  })
  // Of a Cluster it is a node that goes or comes; the fleet may have moved there.
  for (const name of ['close', '-node', '+node']) commands.on(name, onLost)
  // Both connections fail for the same reasons, which a Cluster keeps to itself.
  let lastEventsError: Error | undefined
  events.on('error', (error: Error) => {
    lastEventsError = error
  })
  events.on('message', (_channel: string, message: string) => onMessage(message))
  const firstSubscription = new Promise<Error | undefined>(resolve => {
    events.on('ready', () => {
      lastEventsError = undefined
      const again = (error: Error): void => {
        resolve(error)
        events.disconnect(true)
      }
      events.subscribe(channel).then(() => resolve(undefined), again)
    })
  })

  const nodes = nodesOf(target)
  const unavailable = (error: unknown) => {
    const cause = (lastError ?? error) as Error
    return refusal(nodes, cause.message === 'Connection is closed.' ? (lastEventsError ?? cause) : cause)
  }
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
      if (error === undefined) return
      if (commands instanceof Cluster) await firstReady(events)
      throw unavailable(error)
    },
    run: (script, keys, args) =>
      attempt(() => (commands as unknown as Record<ScriptName, Script>)[script](...keys, ...args)),
    command: (name, args) => attempt(() => commands.call(name, ...args)),
    nodes: () => [...nodes, ...told.values()],
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

/** As configured. */
export function nodesOf({ at }: Pick<RedisTarget, 'at'>): readonly RedisNode[] {
  return at.kind === 'single' ? [at.node] : at.nodes
}

/** Asked by the client library what a node that it was told of is called from here: by the same name. */
type Listen = (hostAndPort: string) => null

/** More are not kept: a fleet whose Redis has moved that often has long forgotten the first ones. */
const mostTold = 1_000

function noteInto(told: Map<string, RedisNode>): Listen {
  return hostAndPort => {
    const colon = hostAndPort.lastIndexOf(':')
    const node = { host: hostAndPort.slice(0, colon), port: Number(hostAndPort.slice(colon + 1)) }
    if (told.size < mostTold) told.set(hostAndPort, node)
    return null
  }
}

/** What keeps it from being ready; undefined once it is. */
function firstReady(client: Redis | Cluster): Promise<Error | undefined> {
  return new Promise(resolve => {
    const settle = (): void => {
      client.off('ready', settle)
      client.off('close', settle)
      client.off('error', settle)
      resolve(client.status === 'ready' ? undefined : new Error('the connection was closed'))
    }
    if (client.status === 'ready') return settle()
    client.on('ready', settle)
    client.on('close', settle)
    // Without a Sentinel there is no connection that could be closed.
    client.on('error', settle)
  })
}

type Script = (...keysAndArgs: (string | number)[]) => Promise<readonly unknown[]>

/** Heard on every node of a Cluster, whoever publishes: one connection to any of them, as to a single server. */
function openForEvents(target: RedisTarget, random: Random, listen: Listen): Redis | Cluster {
  if (target.at.kind !== 'cluster') return open(target, random, listen)
  const { nodes } = target.at
  let current = Math.floor(random() * nodes.length)
  const { retryStrategy, ...options } = connectionOptions(target, random)
  const client = new Redis({
    ...options,
    ...nodes[current]!,
    enableOfflineQueue: false,
    retryStrategy(times) {
      current = (current + 1) % nodes.length
      // Read again for every attempt.
      Object.assign(client.options, nodes[current])
      return retryStrategy(times)
    },
  })
  return client
}

function open(target: RedisTarget, random: Random, listen: Listen): Redis | Cluster {
  const { at, database, timeoutMs } = target
  const options = connectionOptions(target, random)
  const { retryStrategy, ...nodeOptions } = options
  switch (at.kind) {
    case 'single':
      return new Redis({ ...options, ...at.node, db: database, enableOfflineQueue: false })
    case 'sentinels':
      return new Redis({
        ...options,
        sentinels: [...at.nodes],
        name: at.name,
        natMap: listen,
        db: database,
        ...(at.username !== undefined && { sentinelUsername: at.username }),
        ...(at.password !== undefined && { sentinelPassword: at.password }),
        // Without the second, only the Sentinels would be spoken to in TLS.
        ...(options.tls !== undefined && { sentinelTLS: options.tls, enableTLSForSentinelMode: true }),
        sentinelCommandTimeout: timeoutMs,
        enableOfflineQueue: false,
        sentinelRetryStrategy: retryStrategy,
      })
    case 'cluster':
      return new Cluster([...at.nodes], {
        redisOptions: nodeOptions,
        natMap: listen,
        enableOfflineQueue: false,
        clusterRetryStrategy: retryStrategy,
        slotsRefreshTimeout: timeoutMs,
        // Enough for a slot that moves or a node that is being connected to; a failover is not waited for.
        maxRedirections: 4,
        // By default names are turned into addresses first, and those stand in no certificate.
        dnsLookup: (name, use) => use(null, name),
      })
  }
}

function connectionOptions({ username, password, tls, timeoutMs }: RedisTarget, random: Random) {
  return {
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
    retryStrategy: (times: number): number => reconnectDelayMs(times, random),
  }
}

function definedOf<T extends object>(value: T): { [Key in keyof T]: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [Key in keyof T]: NonNullable<T[Key]>
  }
}
