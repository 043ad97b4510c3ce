/**
 * Not overwriting what somebody else has changed meanwhile: entity tags and preconditions (RFC 9110 §8.8.3, §13).
 *
 * The tag of a region is the revision of its registered specification; `"0"` for one that only a file declares. It says
 * nothing of state and load, which change by themselves.
 */

import type { FastifyRequest } from 'fastify'
import { MeridianError } from '../errors.ts'
import { regionChanged } from '../regions/store-errors.ts'
import { shown } from '../schema.ts'

export function entityTag(revision: number): string {
  return `"${revision}"`
}

/**
 * The revision that a change asks for; undefined where any will do.
 *
 * @param found the region's revision, undefined for one that is nowhere
 * @throws MeridianError REQUEST_INVALID for fields that cannot be understood, REGION_CHANGED where `*` does not hold
 */
export function wantedRevision({ headers }: FastifyRequest, found: number | undefined): number | undefined {
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw new MeridianError('REQUEST_INVALID', 'send If-Match or If-None-Match, not both')
  }
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') throw new MeridianError('REQUEST_INVALID', 'If-None-Match: only * is understood here')
    return 0
  }
  if (ifMatch === undefined) return undefined
  if (ifMatch === '*') {
    if (found === undefined)
      throw new MeridianError('REGION_CHANGED', 'there is no such region: to register it, leave If-Match out')
    return undefined
  }
  const revision = /^"(0|[1-9]\d{0,15})"$/.exec(ifMatch)?.[1]
  if (revision !== undefined) return Number(revision)
  // What a shell makes of If-Match: "12" without more quotes around it; shown() would put them back.
  const unquoted = /^(?:0|[1-9]\d{0,15})$/.test(ifMatch)
  const instead = unquoted
    ? `${ifMatch}: the quotes are part of the tag, so send If-Match: "${ifMatch}"`
    : shown(ifMatch)
  throw new MeridianError('REQUEST_INVALID', `If-Match: expected one tag as ETag gives it ("12"), not ${instead}`)
}

/** For changes that the store makes whatever the revision: looked at just before. @throws MeridianError REGION_CHANGED */
export function requireRevision(request: FastifyRequest, id: string, found: number | undefined): void {
  const wanted = wantedRevision(request, found)
  if (wanted === undefined || wanted === (found ?? 0)) return
  throw regionChanged(id, wanted, found ?? 0)
}
