/** What the router has worked out beforehand, and what a request comes down to: shared by deciding and explaining. */

import type { Rule } from '../config/rule.ts'
import type { ClientAddress } from '../geo/address.ts'
import type { Coordinates } from '../geo/coordinates.ts'
import type { Locator, Pin } from '../geo/location.ts'
import type { Audiences } from './audience.ts'
import type { Chooser } from './choice.ts'
import type { CostModel } from './cost.ts'
import type { RouteRequest } from './decision.ts'
import type { FleetLayout } from './fleet.ts'
import type { HotMarks } from './hot-marks.ts'
import type { Loads } from './load.ts'
import type { CompiledRule, RuleTable } from './match-rule.ts'
import type { Ranking } from './plan.ts'
import type { Admissions } from './shedding.ts'

export interface RouterSettings {
  readonly rules: readonly Rule[]
  /** Region ids, for clients of whom nothing is known. */
  readonly defaultOrder: readonly string[]
  /** Where this router stands; undefined: beside its clients. Matters to rules that proxy. */
  readonly location: Coordinates | undefined
  /** Of the softmax among regions of like cost, ms. */
  readonly temperatureMs: number
  /** How long an answer (DNS) is used by whoever got it, ms. */
  readonly answerLifetimeMs?: number
}

/** For one layout of the fleet, one locator and one set of rules. */
export interface Workings {
  readonly settings: RouterSettings
  readonly rules: RuleTable
  readonly locator: Locator
  readonly layout: FleetLayout
  readonly costs: CostModel
  readonly loads: Loads
  readonly audiences: Audiences
  readonly chooser: Chooser
  /** Outlive all the others. */
  readonly hot: HotMarks
  readonly admissions: Admissions
}

/** What a request comes down to before its region is chosen. */
export interface Question {
  readonly compiled: CompiledRule
  readonly address: ClientAddress
  readonly cell: number
  /** What an override says of the address, whether or not it can be followed. */
  readonly pin: Pin | undefined
  readonly variant: number
  readonly ranking: Ranking
  /** 32-bit hash of the affinity key or client network. */
  readonly key: number
  readonly isAnswer: boolean
  /** What a region must be able to do. */
  readonly capability: string | undefined
}

/** The request's own key, else the value of the rule's affinity header. */
export function affinityOf({ affinity }: Rule, { key, header }: RouteRequest): string | undefined {
  if (key !== undefined) return key
  return affinity === undefined ? undefined : header?.(affinity.header)
}

/** What a region must be able to do: the rule's own word, else the value of the header field that it names. */
export function capabilityOf({ capability }: Rule, { header }: RouteRequest): string | undefined {
  if (capability === undefined) return undefined
  return 'value' in capability ? capability.value : header?.(capability.header)
}
