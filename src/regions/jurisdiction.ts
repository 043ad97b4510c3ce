/** Jurisdictions: where the law of a place says that a region lies. */

import type { Region } from './region.ts'

/** Country (ISO 3166-1) codes whose clients are in the jurisdiction `EU`: the members of the European Union. */
export const europeanUnion: ReadonlySet<string> = new Set(
  'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'.split(' '),
)

/** Is the region in one of these jurisdictions? A region in a member state is in the European Union, too. */
export function liesIn(region: Region, allowed: readonly string[] | undefined): boolean {
  if (allowed === undefined) return true
  const { jurisdiction } = region
  if (jurisdiction === undefined) return false
  return allowed.includes(jurisdiction) || (europeanUnion.has(jurisdiction) && allowed.includes('EU'))
}
