/** What a reload has changed, as fields of one line of the log and as the sentence that goes with them. */

import { isDeepStrictEqual } from 'node:util'
import { differingKeys } from './reload-config.ts'
import type { Inputs } from './reload-inputs.ts'

export interface NamedChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
}

export interface Changes {
  /** By id. */
  readonly regions?: NamedChanges
  /** By name. */
  readonly rules?: NamedChanges
  /** The same rules, in another order. */
  readonly rulesReordered?: true
  /** Databases and overrides that are new or were read anew, and when each database was built. */
  readonly geo?: readonly { readonly file: string; readonly builtAt?: string }[]
  /** Other keys that hold from now on. */
  readonly settings?: readonly string[]
  /** Keys that differ in the file but hold only after a restart. */
  readonly needRestart?: readonly string[]
}

/** @param needRestart keys that the new configuration changes in vain */
export function changesBetween(before: Inputs, after: Inputs, needRestart: readonly string[]): Changes {
  const regions = compare(before.regions, after.regions, ({ id }) => id)
  const rules = compare(before.config.rules, after.config.rules, ({ name }) => name)
  const order = ({ config }: Inputs) => config.rules.map(({ name }) => name).join()
  const geo = [...after.geo.states]
    .filter(([file, state]) => before.geo.states.get(file) !== state)
    .map(([file]) => {
      const builtAt = after.geo.locator.sources.find(source => source.file === file)?.builtAt
      return { file, ...(builtAt !== undefined && { builtAt: builtAt.toISOString() }) }
    })
  const settings = differingKeys(before.config, after.config)
  return {
    ...(isSome(regions) && { regions }),
    ...(isSome(rules) && { rules }),
    ...(!isSome(rules) && order(before) !== order(after) && { rulesReordered: true }),
    ...(geo.length > 0 && { geo }),
    ...(settings.length > 0 && { settings }),
    ...(needRestart.length > 0 && { needRestart }),
  }
}

/** `regions added: a, b; rules changed: c; …` */
export function describeChanges(changes: Changes): string {
  const { regions, rules, rulesReordered, geo = [], settings = [], needRestart = [] } = changes
  const parts = [
    ...describeNamed('regions', regions),
    ...describeNamed('rules', rules),
    ...(rulesReordered ? ['rules reordered'] : []),
    ...geo.map(({ file, builtAt }) => `${file} read${builtAt === undefined ? '' : `, built ${builtAt.slice(0, 10)}`}`),
    ...(settings.length > 0 ? [`settings changed: ${settings.join(', ')}`] : []),
    ...(needRestart.length > 0 ? [`kept as they were until a restart: ${needRestart.join(', ')}`] : []),
  ]
  return parts.length === 0 ? 'nothing has changed' : parts.join('; ')
}

function describeNamed(what: string, changes: NamedChanges | undefined): string[] {
  if (changes === undefined) return []
  return (['added', 'removed', 'changed'] as const).flatMap(kind =>
    changes[kind].length > 0 ? [`${what} ${kind}: ${changes[kind].join(', ')}`] : [],
  )
}

function compare<T>(before: readonly T[], after: readonly T[], nameOf: (entry: T) => string): NamedChanges {
  const old = new Map(before.map(entry => [nameOf(entry), entry]))
  const now = new Map(after.map(entry => [nameOf(entry), entry]))
  return {
    added: [...now.keys()].filter(name => !old.has(name)),
    removed: [...old.keys()].filter(name => !now.has(name)),
    changed: [...now]
      .filter(([name, entry]) => old.has(name) && !isDeepStrictEqual(old.get(name), entry))
      .map(([name]) => name),
  }
}

function isSome({ added, removed, changed }: NamedChanges): boolean {
  return added.length + removed.length + changed.length > 0
}
