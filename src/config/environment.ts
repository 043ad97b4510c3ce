/**
 * Environment variables that override single values: `MERIDIAN_HTTP__CLIENT_ADDRESS_HEADER` is `http.clientAddressHeader`.
 *
 * Two underscores go one level down, single ones and case do not matter, a number is a place in a list. A variable that
 * names no key is a fault like an unknown key in the file.
 */

import type { Fault } from '../schema.ts'
import { type ConfigKey, freeChild, isMapping, joinPath, listKeys, namedChildren, type SchemaNode } from './keys.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface Override {
  readonly variable: string
  readonly steps: readonly (string | number)[]
  /** `steps` as faults spell it. */
  readonly path: string
  /** A number or boolean where the schema wants one and the text is one; else the text, for the schema to judge. */
  readonly value: string | number | boolean
}

/** Spoken to the command line, not to the router. */
const reserved = new Set([
  ...['MERIDIAN_CONTROL_URL', 'MERIDIAN_TOKEN', 'MERIDIAN_DEBUG'],
  ...['MERIDIAN_CA', 'MERIDIAN_CLIENT_CERT', 'MERIDIAN_CLIENT_KEY'],
])

/** Names that operators expect: the port of the first listener as `http.port`. */
const shorthands: Readonly<Record<string, string>> = { 'http.port': 'http.listen.0.port' }

/**
 * Kubernetes puts these into every container beside a service called `meridian…`: they are addresses, not settings.
 */
const serviceLink =
  /^MERIDIAN(?:_[A-Z0-9_]+)?_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_[A-Z]+)?)$/

/** Variables that are set and not empty, each resolved against the schema; in the order in which they apply. */
export function readOverrides(
  schema: SchemaNode,
  environment: Environment,
): { readonly overrides: readonly Override[]; readonly faults: readonly Fault[] } {
  const overrides = new Map<string, Override>()
  const faults: Fault[] = []
  for (const [variable, text] of Object.entries(environment)) {
    if (!isSetting(variable, text)) continue
    const override = resolve(schema, variable, text)
    const twin = override && overrides.get(override.path)
    if (override === undefined) {
      faults.push({ path: variable, message: `no configuration key has this name${suggestion(schema, variable)}` })
    } else if (twin !== undefined) {
      faults.push({ path: variable, message: `sets ${override.path}, as ${twin.variable} does; keep one of them` })
    } else overrides.set(override.path, override)
  }
  // Entries of a list apply from its first on, since each may append.
  const ordered = [...overrides.values()].sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }))
  return { overrides: ordered, faults }
}

function isSetting(variable: string, text: string | undefined): text is string {
  if (!variable.startsWith('MERIDIAN_') || reserved.has(variable)) return false
  if (text === undefined || text === '') return false
  return !serviceLink.test(variable) && !/^(?:tcp|udp|sctp):\/\//.test(text)
}

function resolve(root: SchemaNode, variable: string, text: string): Override | undefined {
  const names = variable.slice('MERIDIAN_'.length).split('__').map(squeeze)
  const steps: (string | number)[] = []
  let schema = root
  for (const name of (shorthands[names.join('.')] ?? names.join('.')).split('.')) {
    const next = stepInto(schema, name)
    if (next === undefined) return undefined
    steps.push(next.step)
    schema = next.schema
  }
  if (schema.items !== undefined || namedChildren(schema).length > 0) return undefined
  return { variable, steps, path: steps.reduce<string>(joinPath, ''), value: coerce(text, schema) }
}

function stepInto(schema: SchemaNode, name: string): { step: string | number; schema: SchemaNode } | undefined {
  if (schema.items !== undefined) {
    return /^\d{1,4}$/.test(name) ? { step: Number(name), schema: schema.items } : undefined
  }
  const child = namedChildren(schema).find(([key]) => key.toLowerCase() === name)
  if (child !== undefined) return { step: child[0], schema: child[1] }
  const free = freeChild(schema)
  return free && { step: name.toUpperCase(), schema: free }
}

function coerce(text: string, schema: SchemaNode): string | number | boolean {
  const types = [schema.type ?? []].flat()
  if (types.includes('boolean') && /^(?:true|false)$/.test(text)) return text === 'true'
  const wantsNumber = types.includes('number') || types.includes('integer')
  return wantsNumber && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text
}

function squeeze(name: string): string {
  return name.toLowerCase().replaceAll('_', '')
}

function suggestion(schema: SchemaNode, variable: string): string {
  const wanted = squeeze(variable)
  const names = [...Object.keys(shorthands).map(variableOf), ...listKeys(schema).map(variableOfKey)]
  const meant =
    names.find(name => [wanted, `${wanted}0`].includes(squeeze(name))) ??
    // The key alone, without its section: MERIDIAN_PORT.
    names.find(name => name.endsWith(`__${variable.slice('MERIDIAN_'.length)}`))
  const hint = meant === undefined ? '' : `did you mean ${meant}? `
  return ` (${hint}Two underscores go one level down, numbers into a list; docs/configuration.md has all keys)`
}

/** The variable of a value, or of the first entry of a list of values. */
function variableOfKey({ path, schema }: ConfigKey): string {
  return variableOf(schema.items === undefined ? path : `${path}[]`)
}

/** `http.listen[].port` is `MERIDIAN_HTTP__LISTEN__0__PORT`. */
function variableOf(path: string): string {
  const steps = path.replaceAll('[]', '.0').split('.')
  const spelt = steps.map(step => step.replaceAll(/[A-Z]/g, '_$&').toUpperCase())
  return `MERIDIAN_${spelt.join('__')}`
}

/**
 * Sets one value in a tree of plain values, making the mappings and lists on the way.
 *
 * Where the tree holds something else on the way, nothing is set: the schema will object to that anyway.
 * @returns a fault when a list would get a hole
 */
export function applyOverride(tree: unknown, { steps, path, value, variable }: Override): Fault | undefined {
  let node = tree
  for (const [depth, step] of steps.entries()) {
    if (typeof step === 'number' ? !Array.isArray(node) : !isMapping(node)) return undefined
    const parent = node as Record<string | number, unknown>
    const next = steps[depth + 1]
    const entries = Array.isArray(parent[step]) ? parent[step].length : 0
    if (typeof next === 'number' && next > entries) {
      return { path: variable, message: `sets ${path}, but the list has only ${entries} entries` }
    }
    if (next === undefined) parent[step] = value
    else parent[step] ??= typeof next === 'number' ? [] : {}
    node = parent[step]
  }
  return undefined
}
