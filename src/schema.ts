/**
 * Checks values from outside against a JSON Schema and words every fault for a person, all at once.
 *
 * Used at every door: configuration, region files, overrides, API bodies, later what is read from Redis. Unknown keys are
 * faults, since a misspelt key that is silently ignored is the worst kind of configuration error.
 */

import { Ajv, type ErrorObject } from 'ajv'
import type { Static, TSchema } from 'typebox'

/** One thing wrong with a value: where (`http.port`, `rules[2].match`), and what was expected instead of what. */
export interface Fault {
  readonly path: string
  readonly message: string
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly Fault[] }

export type Checker<T> = (value: unknown) => Checked<T>

const ajv = new Ajv({ allErrors: true, verbose: true, useDefaults: true, strict: true, allowUnionTypes: true })

/**
 * Compiles a schema into a checker. The value given is not changed: defaults are filled into a copy.
 *
 * A schema may carry `expected: '…'` (a sentence fragment) to replace the generated wording of a fault at its place, and
 * `secret: true` to keep the value out of it.
 */
export function checker<S extends TSchema>(schema: S): Checker<Static<S>> {
  const validate = ajv.compile<Static<S>>(schema)
  return value => {
    const copy = structuredClone(value)
    if (validate(copy)) return { ok: true, value: copy }
    return { ok: false, faults: wordFaults(validate.errors ?? []) }
  }
}

ajv.addKeyword({ keyword: 'expected', schemaType: 'string' })
ajv.addKeyword({ keyword: 'secret', schemaType: 'boolean' })

/** `path: message`, the form in which faults are printed and logged. */
export function formatFault(fault: Fault): string {
  return fault.path === '' ? fault.message : `${fault.path}: ${fault.message}`
}

/** Keywords that only say again, in general words, what an error of its own says of one place. */
const summaries = new Set(['if', 'propertyNames'])

function wordFaults(errors: readonly ErrorObject[]): Fault[] {
  // A failed union reports every branch and then the union itself; only the union's own wording helps a reader.
  const unions = errors.filter(error => error.keyword === 'anyOf' || error.keyword === 'oneOf').map(e => e.schemaPath)
  const faults = errors
    .filter(error => !summaries.has(error.keyword) && !unions.some(union => error.schemaPath.startsWith(`${union}/`)))
    .map(wordFault)
  const seen = new Set<string>()
  return faults.filter(fault => {
    const key = formatFault(fault)
    return seen.has(key) ? false : seen.add(key)
  })
}

function wordFault(error: ErrorObject): Fault {
  const path = readablePath(error.instancePath)
  const params = error.params as Record<string, unknown>
  if (error.keyword === 'additionalProperties') {
    const allowed = Object.keys((error.parentSchema?.['properties'] as object | undefined) ?? {})
    return {
      path: join(path, String(params['additionalProperty'])),
      message: `unknown key${suggestion(String(params['additionalProperty']), allowed)}`,
    }
  }
  if (error.keyword === 'required')
    return { path: join(path, String(params['missingProperty'])), message: 'is missing' }
  const expected = error.parentSchema?.['expected']
  const wanted = typeof expected === 'string' ? `expected ${expected}` : wordKeyword(error.keyword, params, error)
  const found = error.parentSchema?.['secret'] === true ? 'what stands there' : shown(error.data)
  return { path, message: `${wanted}, not ${found}` }
}

function wordKeyword(keyword: string, params: Record<string, unknown>, error: ErrorObject): string {
  switch (keyword) {
    case 'type':
      return `expected ${[params['type']].flat().map(articled).join(' or ')}`
    case 'enum':
      return `expected one of ${(params['allowedValues'] as unknown[]).map(shown).join(', ')}`
    case 'const':
      return `expected ${shown(params['allowedValue'])}`
    case 'minimum':
      return `expected at least ${params['limit']}`
    case 'maximum':
      return `expected at most ${params['limit']}`
    case 'exclusiveMinimum':
      return `expected more than ${params['limit']}`
    case 'exclusiveMaximum':
      return `expected less than ${params['limit']}`
    case 'minLength':
      return `expected at least ${params['limit']} characters`
    case 'maxLength':
      return `expected at most ${params['limit']} characters`
    case 'minItems':
      return `expected at least ${params['limit']} entries`
    case 'maxItems':
      return `expected at most ${params['limit']} entries`
    case 'uniqueItems':
      return 'expected no entry twice'
    case 'pattern':
      return `expected text that matches ${params['pattern']}`
    case 'anyOf':
    case 'oneOf':
      return `expected ${unionWords(error)}`
    default:
      return error.message ?? 'is not valid'
  }
}

function unionWords(error: ErrorObject): string {
  const branches = (error.schema as readonly Record<string, unknown>[]).map(branch => {
    if (typeof branch['expected'] === 'string') return branch['expected']
    if ('const' in branch) return shown(branch['const'])
    return articled(String(branch['type'] ?? 'another form'))
  })
  return branches.length > 1
    ? `${branches.slice(0, -1).join(', ')} or ${branches.at(-1)}`
    : (branches[0] ?? 'another form')
}

function articled(type: unknown): string {
  switch (type) {
    case 'string':
      return 'text'
    case 'null':
      return 'null'
    case 'array':
      return 'a list'
    case 'object':
      return 'a mapping'
    case 'integer':
      return 'a whole number'
    default:
      return `a ${type}`
  }
}

/** The value as a reader would recognise it, never long and never with control characters in it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part)) ?? String(value)
  // JSON escapes only some of what ends a line or moves a cursor.
  const safe = text.replace(/[\p{Cc}\u2028\u2029]/gu, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return safe.length > 80 ? `${safe.slice(0, 77)}...` : safe
}

function readablePath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : join(path, part)), '')
}

function join(path: string, key: string): string {
  const safe = /^[\w-]+$/.test(key) ? key : shown(key)
  return path === '' ? safe : `${path}.${safe}`
}

function suggestion(key: string, allowed: readonly string[]): string {
  const near = allowed.find(name => editDistance(name.toLowerCase(), key.toLowerCase()) <= 2)
  if (near !== undefined) return ` (did you mean ${near}?)`
  return allowed.length > 0 ? ` (known here: ${allowed.join(', ')})` : ''
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
