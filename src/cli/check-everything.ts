/**
 * Looks at everything a router would load at its start and collects what is wrong with any of it.
 *
 * Goes on after the first fault: a configuration with a wrong rule still names a regions directory worth reading.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, loadConfig, parseConfig } from '../config/config.ts'
import { missingLicenseKey } from '../config/consistency.ts'
import { crossCheck, type Findings, findUnknownRegions } from '../config/cross-check.ts'
import type { Environment } from '../config/environment.ts'
import { isMapping } from '../config/keys.ts'
import { parseYaml } from '../config/yaml-source.ts'
import { combineErrors, type ErrorCode, MeridianError } from '../errors.ts'
import { loadCountryPoints } from '../geo/load-country-points.ts'
import { loadAsns, loadPlaces } from '../geo/load-database.ts'
import { loadOverrides, type Overrides, pinsOf } from '../geo/overrides.ts'
import { withoutAwaited } from '../geo/update/editions.ts'
import type { Region } from '../regions/region.ts'
import { readRegionFiles, readRegionIds } from '../regions/region-files.ts'
import { readControlTls } from '../runtime/control-tls.ts'
import { readRedisTls } from '../runtime/open-store.ts'
import { shortPath } from './geo-view.ts'

export interface CheckReport {
  /** What can never work; a router would not start. */
  readonly faults: readonly string[]
  /** What a router would end with; absent where there is no fault. */
  readonly code?: ErrorCode
  /** What works, but probably not as meant. */
  readonly warnings: readonly string[]
  /** What was found, as far as it could be read. */
  readonly found: {
    readonly rules: number
    readonly regions: number
    readonly databases: number
    readonly overrides: number
  }
}

/**
 * @param file undefined: environment and defaults alone
 * @throws MeridianError FILE_UNREADABLE for this very file; all other faults are in the report
 */
export async function checkEverything(file: string | undefined, environment: Environment): Promise<CheckReport> {
  const faults: string[] = []
  const errors: MeridianError[] = []
  const collect = (error: unknown, place = ''): undefined => {
    if (!(error instanceof MeridianError)) throw error
    errors.push(error)
    faults.push(...(error.faults.length > 0 ? error.faults.map(fault => place + fault) : [error.message]))
  }
  const config = attempt(
    () => loadConfig(file, environment, 'read'),
    error => {
      // Without the file there is nothing to look at: as for `serve`, that is a fault of the command line.
      if (error instanceof MeridianError && error.code === 'FILE_UNREADABLE') throw error
      return collect(error)
    },
  )
  const { geo, regions: declared } = config ?? readableSections(file, environment)

  const editions = geo?.update?.editions ?? []
  const present = geo && attempt(() => withoutAwaited(geo, editions), collect)
  const [regions, databases, overrides] = await Promise.all([
    readRegions(declared?.directory, collect),
    loadDatabases(present, collect),
    readOverrides(geo?.overrides, collect),
    readControlTls(config?.control.tls).catch(collect),
    readRedisTls(config?.redis?.tls).catch(collect),
  ])
  const found = {
    rules: config?.rules.length ?? 0,
    regions: regions?.length ?? 0,
    databases,
    overrides: overrides?.entries.length ?? 0,
  }
  if (config === undefined) return { faults: distinct(faults), ...codeOf(errors), warnings: [], found }
  const findings = await checkTogether(config, regions, overrides)
  const awaited = editions.filter(({ file }) => present && !present.databases.includes(file) && present.asn !== file)
  const warnings = [
    ...findings.warnings,
    ...awaited.map(({ file }) => `${shortPath(file)}: is still to be downloaded`),
    // Often kept from files, and from the shell of whoever checks.
    ...(config.geo.update?.licenseKey === '' ? [`geo.update.licenseKey: ${missingLicenseKey}; serve needs it`] : []),
  ]
  if (findings.faults.length > 0) collect(new MeridianError('CONFIG_INVALID', '', { faults: findings.faults }))
  return { faults: distinct(faults), ...codeOf(errors), warnings, found }
}

/** What can be said of the parts together; of a faulty folder of regions only the names of its files are known. */
async function checkTogether(
  config: Config,
  regions: readonly Region[] | undefined,
  overrides: Overrides | undefined,
): Promise<Findings> {
  const pins = overrides === undefined ? [] : pinsOf(overrides)
  if (regions !== undefined) return crossCheck(config, regions, pins)
  const ids = await readRegionIds(config.regions.directory!).catch(() => undefined)
  return ids === undefined ? { faults: [], warnings: [] } : findUnknownRegions(config, ids, pins)
}

function codeOf(errors: readonly MeridianError[]): Pick<CheckReport, 'code'> {
  return errors.length === 0 ? {} : { code: combineErrors(errors).code }
}

/** A file that is named twice has its faults once. */
function distinct(faults: readonly string[]): readonly string[] {
  return [...new Set(faults)]
}

/** Notes an error and goes on; whatever is no fault of the operator's is thrown on. */
type Collect = (error: unknown, place?: string) => undefined

async function readRegions(directory: string | undefined, collect: Collect): Promise<readonly Region[] | undefined> {
  if (directory === undefined) return []
  return readRegionFiles(directory).catch(error => collect(error, join(shortPath(directory), '/')))
}

/** How many could be loaded. */
async function loadDatabases(geo: Config['geo'] | undefined, collect: Collect): Promise<number> {
  if (geo === undefined) return 0
  const countryPoints = await loadCountryPoints()
  const loads: Promise<unknown>[] = geo.databases.map(file => loadPlaces(file, countryPoints))
  if (geo.asn !== undefined) loads.push(loadAsns(geo.asn))
  const outcomes = await Promise.allSettled(loads)
  for (const outcome of outcomes) if (outcome.status === 'rejected') collect(outcome.reason)
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

async function readOverrides(file: string | undefined, collect: Collect): Promise<Overrides | undefined> {
  if (file === undefined) return { file: '', entries: [] }
  return loadOverrides(file).catch(error => collect(error, `${shortPath(file)}: `))
}

type Sections = Partial<Pick<Config, 'geo' | 'regions'>>

/** The sections of a faulty configuration that lead to other files, each where it has no fault of its own. */
function readableSections(file: string | undefined, environment: Environment): Sections {
  // Whatever goes wrong here was noted when the whole was read.
  const quietly = (): undefined => undefined
  const text = file === undefined ? '' : attempt(() => readFileSync(file, 'utf8'), quietly)
  const { value, faults } = parseYaml(text ?? '', file ?? '')
  if (text === undefined || faults.length > 0 || !isMapping(value)) return {}
  const readSection = (name: 'geo' | 'regions'): Sections => {
    const prefix = `MERIDIAN_${name.toUpperCase()}__`
    const variables = Object.entries(environment).filter(([variable]) => variable.toUpperCase().startsWith(prefix))
    const alone = JSON.stringify({ [name]: value[name] })
    const config = attempt(() => parseConfig(alone, file, Object.fromEntries(variables), 'read'), quietly)
    return config === undefined ? {} : { [name]: config[name] }
  }
  return { ...readSection('geo'), ...readSection('regions') }
}

function attempt<T>(action: () => T, collect: Collect): T | undefined {
  try {
    return action()
  } catch (error) {
    return collect(error)
  }
}
