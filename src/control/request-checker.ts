/** Checks path parameters and queries with the same words as every other door; bodies are checked where they are used. */

import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { MeridianError } from '../errors.ts'
import { type Checker, checker, formatFault } from '../schema.ts'

/** Bodies pass: their faults have codes of their own (REGION_INVALID, REPORT_INVALID). */
export const requestChecker: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return () => true
  const check = checker(schema)
  return value => {
    const checked = check(value)
    if (checked.ok) return { value: checked.value }
    const faults = checked.faults.map(formatFault)
    return { error: new MeridianError('REQUEST_INVALID', faults.join('; '), { faults }) }
  }
}

/** The body, with defaults filled in. @throws MeridianError with this code and every fault */
export function checkBody<T>(check: Checker<T>, body: unknown, code: 'REPORT_INVALID' | 'REQUEST_INVALID'): T {
  const checked = check(body)
  if (checked.ok) return checked.value
  const faults = checked.faults.map(formatFault)
  throw new MeridianError(code, `the body: ${faults.join('; ')}`, { faults })
}
