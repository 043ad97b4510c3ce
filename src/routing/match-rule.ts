/** Finds the rule of a request: most specific host, then longest path prefix in whole segments, then order. */

import { catchAllRule, type Rule } from '../config/rule.ts'

export interface CompiledRule {
  /** Place in the list of rules; the catch-all is last. */
  readonly index: number
  readonly rule: Rule
  /** Path prefix without a trailing slash; empty: any path. */
  readonly prefix: string
  readonly methods: ReadonlySet<string> | undefined
}

export class RuleTable {
  readonly rules: readonly CompiledRule[]
  readonly #exact = new Map<string, CompiledRule[]>()
  /** `.example.com` and the rules of `*.example.com`, longest suffix first. */
  readonly #wildcards: { readonly suffix: string; readonly rules: CompiledRule[] }[] = []
  readonly #anyHost: CompiledRule[] = []

  constructor(rules: readonly Rule[]) {
    this.rules = [...rules, catchAllRule].map((rule, index) => ({
      index,
      rule,
      prefix: (rule.match.path ?? '').replace(/\/+$/, ''),
      methods: rule.match.methods === undefined ? undefined : new Set(rule.match.methods),
    }))
    for (const compiled of this.rules) this.#listFor(compiled.rule.match.host).push(compiled)
    for (const list of [this.#anyHost, ...this.#exact.values(), ...this.#wildcards.map(w => w.rules)]) {
      list.sort((a, b) => b.prefix.length - a.prefix.length || a.index - b.index)
    }
    this.#wildcards.sort((a, b) => b.suffix.length - a.suffix.length)
  }

  /**
   * @param host lower case, without port
   * @param path without query
   */
  find(host: string, path: string, method: string): CompiledRule {
    const exact = this.#exact.get(host)
    if (exact !== undefined) {
      const found = firstMatch(exact, path, method)
      if (found !== undefined) return found
    }
    for (const { suffix, rules } of this.#wildcards) {
      if (!host.endsWith(suffix)) continue
      const found = firstMatch(rules, path, method)
      if (found !== undefined) return found
    }
    return firstMatch(this.#anyHost, path, method)!
  }

  #listFor(host: string | undefined): CompiledRule[] {
    if (host === undefined) return this.#anyHost
    if (!host.startsWith('*.')) {
      const list = this.#exact.get(host) ?? []
      this.#exact.set(host, list)
      return list
    }
    const suffix = host.slice(1)
    const known = this.#wildcards.find(wildcard => wildcard.suffix === suffix)
    if (known !== undefined) return known.rules
    const rules: CompiledRule[] = []
    this.#wildcards.push({ suffix, rules })
    return rules
  }
}

function firstMatch(rules: readonly CompiledRule[], path: string, method: string): CompiledRule | undefined {
  for (const compiled of rules) {
    if (compiled.methods !== undefined && !compiled.methods.has(method)) continue
    const { prefix } = compiled
    if (prefix === '') return compiled
    if (path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === slash))
      return compiled
  }
  return undefined
}

const slash = 0x2f
