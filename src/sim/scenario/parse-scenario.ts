/**
 * From the text of a scenario file to the world that it describes, or every fault of it at once.
 *
 * Reads no file by itself: regions, tables and traces that the scenario names come through `ScenarioSources`.
 */

import { dirname, resolve } from 'node:path'
import { locateFault } from '../../config/config.ts'
import { parseDuration } from '../../config/duration.ts'
import { isMapping } from '../../config/keys.ts'
import { parseYaml } from '../../config/yaml-source.ts'
import { MeridianError } from '../../errors.ts'
import type { Region } from '../../regions/region.ts'
import { checker, type Fault } from '../../schema.ts'
import type { City, Routers, World } from '../world.ts'
import { toChanges } from './changes.ts'
import { priorLatencies, trueLatencies } from './latency.ts'
import { loadFaults, readLoad } from './load.ts'
import { pickCities } from './pick-cities.ts'
import { pickRegions } from './pick-regions.ts'
import { Scenario } from './schema.ts'

/** Paths are absolute. What they throw is passed on. */
export interface ScenarioSources {
  /** The big cities, the largest first. */
  readonly cities: readonly City[]
  readRegions(directory: string): Promise<readonly Region[]>
  readText(file: string): Promise<string>
}

const check = checker(Scenario)

/**
 * @param file name of the text in messages; relative paths in the text start from its folder
 * @throws MeridianError SCENARIO_INVALID with every fault, or what the sources throw
 */
export async function parseScenario(text: string, file: string, sources: ScenarioSources): Promise<World> {
  const yaml = parseYaml(text, file)
  const checked = check(yaml.value)
  // Sections without a fault are looked at further, so that one misspelt key does not hide the other mistakes.
  const broken = new Set(checked.ok ? [] : checked.faults.map(({ path }) => /^[\w-]*/.exec(path)![0]))
  const scenario = checked.ok ? checked.value : sound(yaml.value, broken)
  const faults: Fault[] = [...yaml.faults, ...(checked.ok ? [] : checked.faults)]
  const found: Fault[] = []
  const world = scenario === undefined ? undefined : await toWorld(scenario, dirname(file), sources, broken, found)
  faults.push(...found.filter(({ path }) => !broken.has(/^[\w-]*/.exec(path)![0])))
  if (world !== undefined && faults.length === 0) return world
  const places = new Map([['', file], ...[...yaml.lines].map(([path, line]) => [path, `${file}:${line}`] as const)])
  const sentences = faults.map(fault => locateFault(fault, places))
  throw new MeridianError('SCENARIO_INVALID', sentences.join('; '), { faults: sentences })
}

/** Stands in for a section that is broken, where nothing can be said without one. */
const stopgaps = {
  name: 'x',
  regions: { directory: '.' },
  load: { requestsPerSecond: 1, service: { constant: '1s' } },
}

/** What can be understood without the broken sections; undefined where that is nothing. */
function sound(value: unknown, broken: ReadonlySet<string>): Scenario | undefined {
  if (!isMapping(value)) return undefined
  const rest = Object.fromEntries(Object.entries(value).filter(([section]) => !broken.has(section)))
  const checked = check({ ...stopgaps, ...rest })
  return checked.ok ? checked.value : undefined
}

async function toWorld(
  scenario: Scenario,
  directory: string,
  sources: ScenarioSources,
  broken: ReadonlySet<string>,
  faults: Fault[],
): Promise<World | undefined> {
  faults.push(...routerFaults(scenario), ...loadFaults(scenario), ...latencyFaults(scenario))
  const read = async (path: string | undefined) =>
    path === undefined ? undefined : sources.readText(resolve(directory, path))
  const cities = pickCities(scenario.clients.cities, sources.cities, faults)
  const regions = broken.has('regions') ? [] : await readRegions(scenario.regions, directory, sources, faults)
  const ground = { cities: broken.has('clients') ? [] : cities, regions, known: sources.cities }
  const changes = toChanges(scenario, ground, faults)
  if (cities.length === 0 || regions.length === 0) return undefined
  const prior = priorLatencies(cities, regions)
  const table = await read(scenario.latency.file)
  const truthMs = trueLatencies(scenario.latency, prior, cities, regions, table, faults)
  const trace = await read(scenario.load.service.trace?.file)
  const { clients, load } = scenario
  return {
    name: scenario.name,
    seed: scenario.seed,
    durationMs: parseDuration(scenario.duration),
    cities,
    regions,
    truthMs,
    knownMs: scenario.latency.routersKnow === 'truth' ? truthMs : prior,
    jitterSigma: scenario.latency.jitter.lognormal,
    ...readLoad(scenario, cities, regions, trace, faults),
    queueLimit: load.queueLimit ?? Number.POSITIVE_INFINITY,
    clients: {
      networksPerCity: clients.networksPerCity,
      retry: {
        attempts: clients.retry.attempts,
        firstDelayMs: parseDuration(clients.retry.firstDelay),
        factor: clients.retry.factor,
      },
      timeoutMs: clients.timeout === undefined ? Number.POSITIVE_INFINITY : parseDuration(clients.timeout),
    },
    routers: toRouters(scenario.routers),
    changes,
  }
}

async function readRegions(
  wanted: Scenario['regions'],
  directory: string,
  sources: ScenarioSources,
  faults: Fault[],
): Promise<readonly Region[]> {
  return pickRegions(wanted, await sources.readRegions(resolve(directory, wanted.directory)), faults)
}

function routerFaults({ routers: { transport } }: Scenario): Fault[] {
  if (typeof transport === 'string') return []
  const { proxy = 0, redirect = 0, dns = 0 } = transport
  const sum = proxy + redirect + dns
  if (Math.abs(sum - 1) < 1e-6) return []
  return [{ path: 'routers.transport', message: `expected shares that add up to 1, not to ${sum}` }]
}

function latencyFaults({ latency: { truth, file, error } }: Scenario): Fault[] {
  const faults: Fault[] = []
  if (file !== undefined && truth !== 'matrix') {
    faults.push({ path: 'latency.file', message: 'means nothing without truth: matrix' })
  }
  if (error > 0 && (truth !== 'matrix' || file !== undefined)) {
    faults.push({ path: 'latency.error', message: 'means nothing without truth: matrix, or beside a file' })
  }
  return faults
}

function toRouters(routers: Scenario['routers']): Routers {
  const { transport } = routers
  const shares = typeof transport === 'string' ? { [transport]: 1 } : transport
  return {
    count: routers.count,
    reportEveryMs: parseDuration(routers.reportEvery),
    reportDelayMs: parseDuration(routers.reportDelay),
    snapshotEveryMs: parseDuration(routers.snapshotEvery),
    publishEveryMs: parseDuration(routers.publishEvery),
    tollsEveryMs: parseDuration(routers.tollsEvery),
    transport: { proxy: 0, redirect: 0, dns: 0, ...shares },
    ttlMs: parseDuration(routers.ttl),
  }
}
