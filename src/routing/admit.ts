/** One request at the door: its priority, where it is counted, and whether it has to give way. */

import { type Priority, priorities, type Rule } from '../config/rule.ts'
import type { Choice } from './choice.ts'
import type { RouteRequest } from './decision.ts'
import type { AdmissionWindow } from './shedding.ts'
import type { Question, Workings } from './workings.ts'

/**
 * Where a request is counted; undefined where nobody is ever shed: a pin and a last resort mean that region, however full, and
 * an answer that many use for a while is not one request.
 */
export function admissionWindow(
  { admissions, audiences, locator, layout }: Workings,
  { ranking: { reason }, compiled, variant, cell }: Question,
  request: RouteRequest,
): AdmissionWindow | undefined {
  if (request.isAnswer === true || reason === 'pinned' || reason === 'last-resort' || reason === 'none')
    return undefined
  return admissions.windowOf(variant, compiled.rule, locator.cells[cell]!.country, () => {
    const fits = audiences.fits(variant, cell)
    return layout.regions.filter((_, region) => fits[region] === 1).map(({ id }) => id)
  })
}

/** Counts a request. @returns its priority where it is to be shed */
export function admit(
  workings: Workings,
  question: Question,
  { hasRoom }: Choice,
  request: RouteRequest,
): Priority | undefined {
  const window = admissionWindow(workings, question, request)
  if (window === undefined) return undefined
  const priority = priorityOf(question.compiled.rule, request)
  if (hasRoom) {
    window.accept(priority)
    return undefined
  }
  const isShed = request.chance !== undefined && request.chance < window.probability(priority)
  window.refuse(priority)
  return isShed ? priority : undefined
}

/** The rule's own word, else the value of its header field: a priority by name, or an urgency as in RFC 9218 (`u=0` to `u=7`). */
export function priorityOf({ priority }: Rule, { header }: RouteRequest): Priority {
  if (priority === undefined) return 'normal'
  if ('value' in priority) return priority.value
  const asked = header?.(priority.header)?.trim().toLowerCase()
  return priorities.find(name => name === asked) ?? urgencyOf(asked)
}

function urgencyOf(asked: string | undefined): Priority {
  const urgency = /(?:^|,)\s*u=([0-7])\s*(?:[,;]|$)/.exec(asked ?? '')?.[1]
  if (urgency === undefined || urgency === '3') return 'normal'
  return urgency < '3' ? 'high' : 'low'
}
