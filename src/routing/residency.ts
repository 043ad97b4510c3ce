/** Where a client may be served, by the jurisdiction it is in. */

import type { Residency } from '../config/rule.ts'
import { europeanUnion } from '../regions/jurisdiction.ts'

/** `undefined`: anywhere. An empty list: nowhere. */
export function allowedJurisdictions(
  residency: Residency | undefined,
  country: string | undefined,
): readonly string[] | undefined {
  if (residency === undefined) return undefined
  if (country === undefined) return residency.unknownCountry === 'allow' ? undefined : []
  return listed(residency, country) ?? (europeanUnion.has(country) ? listed(residency, 'EU') : undefined)
}

function listed(residency: Residency, jurisdiction: string): readonly string[] | undefined {
  const allowed = residency[jurisdiction]
  return typeof allowed === 'string' ? undefined : allowed
}
