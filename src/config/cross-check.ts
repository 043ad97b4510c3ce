/**
 * What only shows once the fleet is known, and what works but works badly: for `meridian check` and the start of a router.
 *
 * Works on the configuration as loaded; itself it neither reads files nor stops anything.
 */

import type { Pin } from '../geo/location.ts'
import { liesIn } from '../regions/jurisdiction.ts'
import type { Region } from '../regions/region.ts'
import { type Fault, shown } from '../schema.ts'
import { type Config, locateFault } from './config.ts'
import { isLoopback } from './loopback.ts'
import type { Rule } from './rule.ts'
import { adviseOnRules } from './rule-advice.ts'

export interface Findings {
  /** What can never work. */
  readonly faults: readonly string[]
  /** What works, but probably not as meant. */
  readonly warnings: readonly string[]
}

/**
 * @param regions those declared in files
 * @param pins of the overrides file
 */
export function crossCheck(config: Config, regions: readonly Region[], pins: readonly Pin[]): Findings {
  const sentences = (faults: readonly Fault[]) => faults.map(fault => locateFault(fault, config.places))
  const ids = regions.map(({ id }) => id)
  const missing = findUnknownRegions(config, ids, pins)
  const warnings = [
    ...adviseOnRules(config),
    ...emptyRules(config.rules, regions),
    ...adviseOnFleet(config, regions),
    ...adviseOnControl(config),
  ]
  return { faults: missing.faults, warnings: [...missing.warnings, ...sentences(warnings)] }
}

/**
 * Names that belong to no region: a fault while nobody can register one, else a warning.
 *
 * @param ids of the regions declared in files
 */
export function findUnknownRegions(config: Config, ids: readonly string[], pins: readonly Pin[]): Findings {
  // Without a token nobody can register a region later, so a name that no file has will never mean anything.
  const callers = [...config.control.tokens, ...config.control.certificates]
  // An operator can make a token for anything.
  const canRegister = callers.some(({ rights }) => rights.includes('report') || rights.includes('operator'))
  const missing = unknownRegions(config, ids, pins, canRegister).map(fault => locateFault(fault, config.places))
  return canRegister ? { faults: [], warnings: missing } : { faults: missing, warnings: [] }
}

function unknownRegions(
  { regions: { defaultOrder }, rules }: Config,
  ids: readonly string[],
  pins: readonly Pin[],
  canRegister: boolean,
): Fault[] {
  const known = new Set(ids)
  const remedy = canRegister ? 'means nothing until a region of this name registers' : 'is the id of no region'
  const named = [
    ...defaultOrder.map((id, index) => ({ path: `regions.defaultOrder[${index}]`, id, of: '' })),
    ...rules.flatMap(({ lastResort }, index) =>
      lastResort === undefined ? [] : [{ path: `rules[${index}].lastResort`, id: lastResort, of: '' }],
    ),
    ...pins.map(({ network, region }) => ({ path: 'geo.overrides', id: region, of: `network ${network}: ` })),
  ]
  return named
    .filter(({ id }) => !known.has(id))
    .map(({ path, id, of }) => ({ path, message: `${of}${shown(id)} ${remedy}` }))
}

/** Rules for which the declared fleet has nothing: of the tiers, with the capability, or in the jurisdictions asked for. */
function emptyRules(rules: readonly Rule[], regions: readonly Region[]): Fault[] {
  if (regions.length === 0) return []
  return rules.flatMap(({ tiers, capability, residency }, index) => {
    const ofTiers = regions.filter(({ tier }) => tiers.includes(tier))
    if (ofTiers.length === 0) {
      return [{ path: `rules[${index}].tiers`, message: `no declared region is of tier ${tiers.join(' or ')}` }]
    }
    const faults: Fault[] = []
    const demand = (key: string, fits: (region: Region) => boolean, what: string) => {
      if (!ofTiers.some(fits)) faults.push({ path: `rules[${index}].${key}`, message: `no declared region ${what}` })
    }
    if (capability !== undefined && 'value' in capability) {
      demand(
        'capability',
        ({ capabilities }) => capabilities.includes(capability.value),
        `can do ${shown(capability.value)}`,
      )
    }
    for (const [client, allowed] of Object.entries(residency ?? {})) {
      if (typeof allowed === 'string') continue
      demand(`residency.${client}`, region => liesIn(region, allowed), `of its tiers lies in ${allowed.join(' or ')}`)
    }
    return faults
  })
}

function adviseOnFleet({ regions: { defaultOrder } }: Config, regions: readonly Region[]): Fault[] {
  if (regions.length > 0 && defaultOrder.length === 0) {
    const message = 'is empty: name the regions, best first, for clients of whom nothing is known'
    return [{ path: 'regions.defaultOrder', message }]
  }
  return []
}

function adviseOnControl({ control: { listen, tls } }: Config): Fault[] {
  if (tls !== undefined || isLoopback(listen.address)) return []
  const message = `${shown(listen.address)} is reachable from other machines without TLS: whoever listens on the way reads the tokens; set control.tls`
  return [{ path: 'control.listen.address', message }]
}
