/** Where a client may be served, by the jurisdiction it is in. */

import { europeanUnion, type Residency } from '../config/rule.ts'
import type { Region } from '../regions/region.ts'

/** `undefined`: anywhere. An empty list: nowhere. */
export function allowedJurisdictions(
  residency: Residency | undefined,
  country: string | undefined,
): readonly string[] | undefined {
  if (residency === undefined) return undefined
  if (country === undefined) return residency.unknownCountry === 'allow' ? undefined : []
  return listed(residency, country) ?? (europeanUnion.has(country) ? listed(residency, 'EU') : undefined)
}

/** Is the region in one of these jurisdictions? A region in a member state is in the European Union, too. */
export function liesIn(region: Region, allowed: readonly string[] | undefined): boolean {
  if (allowed === undefined) return true
  const { jurisdiction } = region
  if (jurisdiction === undefined) return false
  return allowed.includes(jurisdiction) || (europeanUnion.has(jurisdiction) && allowed.includes('EU'))
}

function listed(residency: Residency, jurisdiction: string): readonly string[] | undefined {
  const allowed = residency[jurisdiction]
  return typeof allowed === 'string' ? undefined : allowed
}
