/**
 * Walks the configuration's schema: which keys there are, and where a dotted path leads.
 *
 * Serves the environment variables, the treatment of `null`, and the test that holds the reference to the schema.
 */

import { shown } from '../schema.ts'

/** A JSON Schema, as much of it as the configuration uses. */
export interface SchemaNode {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly additionalProperties?: boolean | SchemaNode
  readonly default?: unknown
}

export interface ConfigKey {
  /** `http.listen[].port`; `*` stands for a key that the operator chooses. */
  readonly path: string
  readonly schema: SchemaNode
}

/** Every key that holds a value, in the schema's order: scalars, and lists of scalars. */
export function listKeys(schema: SchemaNode, path = ''): readonly ConfigKey[] {
  if (schema.items !== undefined && namedChildren(schema.items).length > 0) return listKeys(schema.items, `${path}[]`)
  const named = namedChildren(schema)
  const keys = named.flatMap(([name, child]) => listKeys(child, joinPath(path, name)))
  const free = freeChild(schema)
  if (free !== undefined) return [...keys, ...listKeys(free, `${path}.*`)]
  return named.length > 0 ? keys : [{ path, schema }]
}

/** The keys that a mapping may have; of a union, those of all its branches. */
export function namedChildren(schema: SchemaNode): readonly (readonly [string, SchemaNode])[] {
  return [schema, ...(schema.anyOf ?? [])].flatMap(branch => Object.entries(branch.properties ?? {}))
}

/** Schema of the keys that an operator may choose freely, where a mapping has such. */
export function freeChild(schema: SchemaNode): SchemaNode | undefined {
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** One step further down, spelt as in faults: `rules[2].match.host`. */
export function joinPath(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`
  const safe = /^[\w-]+$/.test(step) ? step : shown(step)
  return path === '' ? safe : `${path}.${safe}`
}

/** A copy in which every known key that is `null` is left out: saying nothing is the same as taking the default. */
export function withoutNulls(value: unknown, schema: SchemaNode): unknown {
  if (Array.isArray(value)) return value.map(entry => withoutNulls(entry, schema.items ?? {}))
  if (!isMapping(value)) return value
  const known = new Map(namedChildren(schema))
  const kept = Object.entries(value).filter(([key, child]) => child !== null || !known.has(key))
  return Object.fromEntries(
    kept.map(([key, child]) => [key, withoutNulls(child, known.get(key) ?? freeChild(schema) ?? {})]),
  )
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
