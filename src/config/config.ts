/**
 * Loads the configuration: file, then environment, then defaults; every fault is reported at once, with its line.
 *
 * The result is plain data in the units of the program (milliseconds, absolute paths), never changed afterwards.
 */

import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { MeridianError, unreadable } from '../errors.ts'
import type { MaxmindAccount } from '../geo/update/download.ts'
import { type Edition, placesOf } from '../geo/update/editions.ts'
import { bundledData } from '../paths.ts'
import { checker, type Fault, formatFault } from '../schema.ts'
import { findInconsistencies } from './consistency.ts'
import { parseDuration } from './duration.ts'
import { applyOverride, type Environment, readOverrides } from './environment.ts'
import { isMapping, withoutNulls } from './keys.ts'
import { type RedisConfig, toRedisConfig } from './redis.ts'
import { Settings, settingsSchema } from './schema.ts'
import { parseYaml } from './yaml-source.ts'

export interface Config {
  readonly fleet: string
  readonly router: Settings['router']
  readonly geo: {
    /** Absolute paths; the first that knows an address wins. */
    readonly databases: readonly string[]
    readonly asn: string | undefined
    readonly overrides: string | undefined
    /** Undefined: nothing is downloaded. */
    readonly update: GeoUpdate | undefined
  }
  readonly regions: { readonly directory: string | undefined; readonly defaultOrder: readonly string[] }
  /** Undefined: this router keeps the fleet to itself. */
  readonly redis: RedisConfig | undefined
  readonly http: {
    readonly listen: Settings['http']['listen']
    readonly trustedProxies: readonly string[]
    readonly clientAddressHeader: string
    readonly timeouts: { readonly connectMs: number; readonly firstByteMs: number; readonly stallMs: number }
  }
  readonly control: Omit<Settings['control'], 'tls'> & {
    /** Undefined: plain HTTP. */
    readonly tls: ControlTls | undefined
  }
  readonly health: {
    readonly enabled: boolean
    readonly intervalMs: number
    readonly timeoutMs: number
    readonly recheckMs: number
    readonly rise: number
    readonly fall: number
  }
  readonly lease: { readonly durationMs: number }
  readonly log: Settings['log']
  readonly routing: {
    readonly temperatureMs: number
    readonly snapshotEveryMs: number
    readonly exchangeEveryMs: number
    readonly tollsEveryMs: number
    readonly latency: LatencyConfig
  }
  /** As written, without the built-in catch-all. */
  readonly rules: Settings['rules']
  /** Where a value was given: `meridian.yaml:12` or a variable's name, by path. What is not in here is a default. */
  readonly places: Places
}

export interface LatencyConfig {
  readonly enabled: boolean
  readonly halfLifeMs: number
  readonly maxNetworks: number
  readonly explorationShare: number
  /** Absolute path; undefined: in the state folder. */
  readonly file: string | undefined
}

export interface GeoUpdate extends MaxmindAccount {
  readonly editions: readonly Edition[]
  readonly everyMs: number
}

/** Absolute paths of PEM files. */
export interface ControlTls {
  readonly cert: string
  readonly key: string
  /** Who signs the certificates of clients; undefined: clients need none. */
  readonly clientCa: string | undefined
}

export type Places = ReadonlyMap<string, string>
export type Token = Settings['control']['tokens'][number]
export type Certificate = Settings['control']['certificates'][number]

/** `read`: by a command that downloads nothing, perhaps in a shell without the service's secrets. */
export type Purpose = 'run' | 'read'

const check = checker(Settings)

/**
 * @param file YAML; undefined: environment and defaults alone, relative paths from the working directory
 * @throws MeridianError FILE_UNREADABLE, or CONFIG_INVALID with every fault
 */
export function loadConfig(file: string | undefined, environment: Environment, purpose: Purpose = 'run'): Config {
  return parseConfig(file === undefined ? '' : readText(file), file, environment, purpose)
}

/**
 * The same from a text that is at hand.
 *
 * @param file name for messages; relative paths in the text start from its folder
 * @throws MeridianError CONFIG_INVALID with every fault
 */
export function parseConfig(
  text: string,
  file: string | undefined,
  environment: Environment,
  purpose: Purpose = 'run',
): Config {
  const yaml = parseYaml(text, file ?? 'the text')
  const { overrides, faults: variableFaults } = readOverrides(settingsSchema, environment)
  const places = new Map<string, string>()
  if (file !== undefined) places.set('', file)
  for (const [path, line] of yaml.lines) places.set(path, file === undefined ? `line ${line}` : `${file}:${line}`)
  for (const { path, variable } of overrides) places.set(path, variable)

  const tree = withoutNulls(yaml.value, settingsSchema)
  const holes = overrides.flatMap(override => applyOverride(tree, override) ?? [])
  const settings = check(tree)
  const valueFaults = settings.ok
    ? findInconsistencies(settings.value, purpose === 'run')
    : [...settings.faults, ...inconsistenciesOfTheRest(tree, settings.faults, purpose)]

  const faults = [
    ...[...yaml.faults, ...variableFaults, ...holes].map(formatFault),
    ...valueFaults.map(fault => locateFault(fault, places)),
  ]
  if (!settings.ok || faults.length > 0) throw new MeridianError('CONFIG_INVALID', faults.join('; '), { faults })
  return toConfig(settings.value, file === undefined ? '.' : dirname(file), places)
}

/** A fault as a sentence that ends with where the value was given, or the nearest thing around it. */
export function locateFault(fault: Fault, places: Places): string {
  let path = fault.path
  while (path !== '' && !places.has(path))
    path = path.slice(0, Math.max(0, path.lastIndexOf('.'), path.lastIndexOf('[')))
  const place = places.get(path)
  return place === undefined ? formatFault(fault) : `${formatFault(fault)} (${place})`
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, cause, 'the configuration')
  }
}

/** Sections without a fault are checked further, so that one wrong port does not hide the other mistakes. */
function inconsistenciesOfTheRest(tree: unknown, faults: readonly Fault[], purpose: Purpose): readonly Fault[] {
  if (!isMapping(tree)) return []
  const broken = new Set(faults.map(({ path }) => /^[\w-]*/.exec(path)![0]))
  const rest = check(Object.fromEntries(Object.entries(tree).filter(([section]) => !broken.has(section))))
  if (!rest.ok) return []
  return findInconsistencies(rest.value, purpose === 'run').filter(({ path }) => !broken.has(/^[\w-]*/.exec(path)![0]))
}

function toConfig(settings: Settings, directory: string, places: Places): Config {
  const { geo, regions, http, health, lease, routing } = settings
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(directory, path))
  return {
    fleet: settings.fleet,
    router: settings.router,
    geo: toGeo(geo, directory),
    regions: { directory: absolute(regions.directory), defaultOrder: regions.defaultOrder },
    redis: toRedisConfig(settings.redis, absolute),
    http: {
      listen: http.listen,
      trustedProxies: http.trustedProxies,
      clientAddressHeader: http.clientAddressHeader,
      timeouts: {
        connectMs: parseDuration(http.timeouts.connect),
        firstByteMs: parseDuration(http.timeouts.firstByte),
        stallMs: parseDuration(http.timeouts.stall),
      },
    },
    control: { ...settings.control, tls: toTls(settings.control.tls, absolute) },
    health: {
      enabled: health.enabled,
      intervalMs: parseDuration(health.interval),
      timeoutMs: parseDuration(health.timeout),
      recheckMs: parseDuration(health.recheck),
      rise: health.rise,
      fall: health.fall,
    },
    lease: { durationMs: parseDuration(lease.duration) },
    log: settings.log,
    routing: {
      temperatureMs: routing.temperatureMs,
      snapshotEveryMs: parseDuration(routing.snapshotEvery),
      exchangeEveryMs: parseDuration(routing.exchangeEvery),
      tollsEveryMs: parseDuration(routing.tollsEvery),
      latency: toLatency(routing.latency, absolute),
    },
    rules: settings.rules,
    places,
  }
}

function toGeo({ databases, asn, overrides, update }: Settings['geo'], directory: string): Config['geo'] {
  const files = {
    databases: databases.map(path => (path === 'embedded' ? bundledData('city.mmdb') : resolve(directory, path))),
    asn: asn === undefined ? undefined : resolve(directory, asn),
  }
  const { accountId, licenseKey, editions, every, url } = update
  return {
    ...files,
    overrides: overrides === undefined ? undefined : resolve(directory, overrides),
    update:
      accountId === undefined
        ? undefined
        : {
            accountId: String(accountId),
            // Without one nothing is downloaded: whoever would do that has been refused.
            licenseKey: licenseKey ?? '',
            url: url.replace(/\/+$/, ''),
            editions: editions.flatMap(name => placesOf(name, files)),
            everyMs: parseDuration(every),
          },
  }
}

function toLatency(
  { halfLife, file, ...settings }: Settings['routing']['latency'],
  absolute: (path: string | undefined) => string | undefined,
): LatencyConfig {
  return { ...settings, halfLifeMs: parseDuration(halfLife), file: absolute(file) }
}

function toTls(
  { cert, key, clientCa }: Settings['control']['tls'],
  absolute: (path: string | undefined) => string | undefined,
): ControlTls | undefined {
  if (cert === undefined || key === undefined) return undefined
  return { cert: absolute(cert)!, key: absolute(key)!, clientCa: absolute(clientCa) }
}
