/**
 * The section `redis`: whether, and where, a fleet is shared.
 *
 * Texts are taken apart here, once; the connection below gets hosts, ports and numbers.
 */

import Type, { type Static } from 'typebox'
import type { RedisNode, RedisTarget } from '../regions/redis-connection.ts'
import { type Fault, shown } from '../schema.ts'
import { Duration, parseDuration } from './duration.ts'

const strict = { additionalProperties: false }

const NodeAddress = Type.String({
  pattern: '^(?:\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$',
  expected: 'host:port ([::1]:6379 for IPv6)',
})
const Nodes = Type.Optional(Type.Array(NodeAddress, { minItems: 1, maxItems: 100 }))
const File = Type.Optional(Type.String({ minLength: 1, maxLength: 4096, expected: 'the path of a file' }))

export const Redis = Type.Object(
  {
    url: Type.Optional(Type.String()),
    sentinels: Nodes,
    sentinelName: Type.String({ minLength: 1, default: 'mymaster' }),
    sentinelUsername: Type.Optional(Type.String()),
    sentinelPassword: Type.Optional(Type.String()),
    cluster: Nodes,
    username: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    database: Type.Integer({ minimum: 0, maximum: 65_535, default: 0 }),
    keyPrefix: Type.String({
      pattern: '^[\\x21-\\x7a|~]{0,100}$',
      expected: 'at most 100 printable characters without spaces and braces',
      default: '',
    }),
    tls: Type.Object(
      { enabled: Type.Boolean({ default: false }), ca: File, cert: File, key: File },
      { ...strict, default: {} },
    ),
    timeout: Duration('1s'),
    snapshotFile: File,
  },
  { ...strict, default: {} },
)

type Redis = Static<typeof Redis>

export interface RedisConfig {
  /** Without TLS: its files have to be read first. */
  readonly target: Omit<RedisTarget, 'tls'>
  /** Absolute paths; undefined: no TLS. */
  readonly tls:
    | { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined }
    | undefined
  readonly keyPrefix: string
  /** Absolute; undefined: in the folder for state of the user who runs the router. */
  readonly snapshotFile: string | undefined
}

/** Undefined where nothing says that a fleet is shared. Only for settings without `redisFaults`. */
export function toRedisConfig(
  redis: Redis,
  absolute: (path: string | undefined) => string | undefined,
): RedisConfig | undefined {
  const { url, sentinels, sentinelName, cluster, keyPrefix, tls, timeout } = redis
  const link = url === undefined ? undefined : parseRedisUrl(url)
  const at: RedisTarget['at'] | undefined =
    sentinels !== undefined
      ? {
          kind: 'sentinels',
          nodes: sentinels.map(nodeOf),
          name: sentinelName,
          username: redis.sentinelUsername,
          password: redis.sentinelPassword,
        }
      : cluster !== undefined
        ? { kind: 'cluster', nodes: cluster.map(nodeOf) }
        : link && { kind: 'single', node: link.node }
  if (at === undefined) return undefined
  const secure = tls.enabled || link?.secure === true
  return {
    target: {
      at,
      username: redis.username ?? link?.username,
      password: redis.password ?? link?.password,
      database: link?.database ?? redis.database,
      timeoutMs: parseDuration(timeout),
    },
    tls: secure ? { ca: absolute(tls.ca), cert: absolute(tls.cert), key: absolute(tls.key) } : undefined,
    keyPrefix,
    snapshotFile: absolute(redis.snapshotFile),
  }
}

/** What the schema cannot see. A password is never shown. */
export function redisFaults(redis: Redis): Fault[] {
  const { url, sentinels, cluster, database, tls, username, password } = redis
  const faults: Fault[] = []
  const add = (path: string, message: string): void => void faults.push({ path: `redis.${path}`, message })
  const named = Object.entries({ url, sentinels, cluster }).filter(([, value]) => value !== undefined)
  for (const [name] of named.slice(1)) add(name, `${named[0]![0]} says already where Redis is; keep one of them`)
  for (const [name, nodes] of Object.entries({ sentinels, cluster })) {
    nodes?.forEach((text, index) => {
      if (nodeOf(text).port > 65_535) add(`${name}[${index}]`, `expected a port up to 65535, not ${shown(text)}`)
    })
  }
  const link = url === undefined ? undefined : parseRedisUrl(url)
  if (url !== undefined && link === undefined) {
    add('url', `expected redis://host:port, or rediss:// for TLS, not ${shown(url.replace(/\/\/.*@/, '//…@'))}`)
  }
  if (cluster !== undefined && database !== 0) add('database', 'a Cluster has only database 0')
  if (link?.database !== undefined && database !== 0)
    add('database', 'redis.url names a database already; keep one of them')
  if (username !== undefined && password === undefined && link?.password === undefined)
    add('username', 'needs redis.password')
  if (redis.sentinelUsername !== undefined && redis.sentinelPassword === undefined)
    add('sentinelUsername', 'needs redis.sentinelPassword')
  if (redis.sentinelPassword !== undefined && sentinels === undefined)
    add('sentinelPassword', 'there are no redis.sentinels to give it to')
  const files = Object.entries(tls).filter(([name, value]) => name !== 'enabled' && value !== undefined)
  if (files.length > 0 && !tls.enabled && link?.secure !== true) {
    add(`tls.${files[0]![0]}`, 'TLS is off: use a rediss:// URL, or set redis.tls.enabled')
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) add('tls', 'cert and key go together')
  return faults
}

interface RedisLink {
  readonly node: RedisNode
  readonly secure: boolean
  readonly username?: string
  readonly password?: string
  readonly database?: number
}

/** `redis://user:password@host:6379/2`; undefined when it is none. */
function parseRedisUrl(text: string): RedisLink | undefined {
  const url = URL.parse(text)
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || url.search !== '' || url.hash !== '')
    return undefined
  const database = /^\/?(\d{0,5})$/.exec(url.pathname)
  if (database === null) return undefined
  const decoded = (part: string) => (part === '' ? undefined : decodeURIComponent(part))
  const [username, password] = [decoded(url.username), decoded(url.password)]
  return {
    node: { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 6379 : Number(url.port) },
    secure: url.protocol === 'rediss:',
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(database[1] !== '' && { database: Number(database[1]) }),
  }
}

function nodeOf(text: string): RedisNode {
  const colon = text.lastIndexOf(':')
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) }
}
