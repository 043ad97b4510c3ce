/** What an agent tells whoever runs it: what has changed, in a sentence each, and never the same thing twice in a row. */

/**
 * `registered`: with the control API. `forgotten`: the API lost or replaced the registration; it is made again at once.
 * `contested`: somebody else registers the region, too, again and again. `refused`: the first registration was refused,
 * which ends the agent; `Agent.registered` rejects with the same words.
 * `control-…`: whether the API takes reports. `service-…`: whether the service passes its check. `load-…`: whether its load
 * can be read. `drained`: an operator's drain lies on the region. `draining`, `superseded`, `left`: on the way out.
 */
export type AgentEventKind =
  | 'registered'
  | 'forgotten'
  | 'contested'
  | 'refused'
  | 'control-lost'
  | 'control-refused'
  | 'control-back'
  | 'service-failing'
  | 'service-well'
  | 'load-failing'
  | 'load-well'
  | 'drained'
  | 'draining'
  | 'superseded'
  | 'left'

export interface AgentEvent {
  readonly kind: AgentEventKind
  /** For a person. */
  readonly message: string
}

export type Tell = (kind: AgentEventKind, message: string) => void

/** Something that is either well or not, of which only changes are told. */
export interface Condition {
  fails(kind: AgentEventKind, message: string): void
  /** Told only after a failure. */
  isWell(kind: AgentEventKind, message: string): void
}

export function createCondition(tell: Tell): Condition {
  let failing: AgentEventKind | undefined
  return {
    fails(kind, message) {
      if (failing !== kind) tell(kind, message)
      failing = kind
    },
    isWell(kind, message) {
      if (failing !== undefined) tell(kind, message)
      failing = undefined
    },
  }
}
