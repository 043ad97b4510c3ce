/** What every store says when it refuses: the same words, whatever it is made of. */

import { MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'

/** REGION_UNKNOWN for whoever speaks of a region that is nowhere. */
export function unknownRegion(id: string): MeridianError {
  return unknown(id, 'it is neither declared in a file nor registered')
}

/** REGION_UNKNOWN for a heartbeat: its sender should register at once. */
export function neverRegistered(id: string): MeridianError {
  return unknown(id, 'it has to register before it sends heartbeats')
}

export function onlyDeclared(id: string): MeridianError {
  return new MeridianError('REGION_INVALID', `region ${shown(id)} is declared in a file: remove it from there`)
}

/** @param expected 0 for whoever takes it to be registered nowhere */
export function regionChanged(id: string, expected: number, found: number): MeridianError {
  if (expected === 0) {
    const mend = `look at it, and send If-Match: "${found}" to change it all the same`
    return new MeridianError(
      'REGION_CHANGED',
      `region ${shown(id)} is registered already, at revision ${found}: ${mend}`,
    )
  }
  const now = found === 0 ? 'is not registered' : `is at revision ${found}`
  return new MeridianError('REGION_CHANGED', `region ${shown(id)} ${now}, not at ${expected}: read it again first`)
}

export function reportOfOtherEpoch(id: string, reported: number, known: number): MeridianError {
  return new MeridianError(
    'REPORT_OUTDATED',
    `region ${shown(id)} reports for epoch ${reported}, but its epoch is ${known}: register again`,
  )
}

export function reportRepeated(id: string, reported: number, known: number): MeridianError {
  return new MeridianError(
    'REPORT_OUTDATED',
    `report ${reported} of region ${shown(id)} is not newer than report ${known}, which has arrived`,
  )
}

function unknown(id: string, why: string): MeridianError {
  return new MeridianError('REGION_UNKNOWN', `region ${shown(id)} is not known: ${why}`)
}
