/** How large a fleet may become by registrations: routing numbers regions with 16 bits, and every snapshot holds them all. */

import { MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'

export const mostRegions = 10_000

/**
 * Looked at by each router for itself, just before it registers a region: several at once may let in a few more.
 *
 * @param known regions of the fleet by now, those from files included
 * @throws MeridianError FLEET_FULL
 */
export function requireRoom(id: string, known: number): void {
  if (known < mostRegions) return
  const mend = 'remove regions that are gone (meridian regions apply --prune), or give some a fleet of their own'
  throw new MeridianError(
    'FLEET_FULL',
    `region ${shown(id)} would be one more than the ${mostRegions} of a fleet: ${mend}`,
  )
}
