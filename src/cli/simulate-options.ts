/** What `meridian simulate` was asked for, checked as a whole. */

import { MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'
import { policyNames } from '../sim/policies/policies.ts'

export interface SimulateOptions {
  readonly out: string
  readonly policy: string
  readonly seed?: string
  readonly routers?: string
  readonly json?: boolean
}

export interface Wanted {
  readonly policies: readonly string[]
  /** Undefined: that of the scenario. */
  readonly seeds: readonly number[] | undefined
  /** Undefined: as many as the scenario has. */
  readonly routers: number | undefined
}

const highestSeed = 2 ** 31
const mostRouters = 256

/** @throws MeridianError REQUEST_INVALID with every fault */
export function parseSimulateOptions({ policy, seed, routers }: SimulateOptions): Wanted {
  const faults: string[] = []
  const policies = policy === 'all' ? policyNames : listOf(policy)
  for (const name of policies) {
    if (!policyNames.includes(name))
      faults.push(`--policy: expected all or some of ${policyNames.join(', ')}, not ${shown(name)}`)
  }
  const integer = (option: string, text: string, least: number, most: number): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    faults.push(`${option}: expected a whole number from ${least} to ${most}, not ${shown(text)}`)
    return least
  }
  const seeds = seed === undefined ? undefined : listOf(seed).map(text => integer('--seed', text, 0, highestSeed))
  const count = routers === undefined ? undefined : integer('--routers', routers, 1, mostRouters)
  if (faults.length > 0) throw new MeridianError('REQUEST_INVALID', faults.join('; '), { faults })
  return { policies, seeds: seeds && [...new Set(seeds)], routers: count }
}

/** Each once; an empty one is kept, to be told. */
function listOf(text: string): string[] {
  return [...new Set(text.split(',').map(entry => entry.trim()))]
}
