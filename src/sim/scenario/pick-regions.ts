/** Which regions a scenario runs, and with how many slots. */

import type { Region } from '../../regions/region.ts'
import { type Fault, shown } from '../../schema.ts'
import type { Scenario } from './schema.ts'

/**
 * Ordered by id, each with whole slots.
 *
 * @param known what the scenario's folder holds
 * @param faults takes what is unknown or without slots, and that nothing is left
 */
export function pickRegions(
  { directory, tiers, only, capacities }: Scenario['regions'],
  known: readonly Region[],
  faults: Fault[],
): readonly Region[] {
  const ids = new Set(known.map(({ id }) => id))
  const unknown = (path: string, id: string) => {
    if (!ids.has(id)) faults.push({ path, message: `expected a region of ${directory}, not ${shown(id)}` })
  }
  for (const id of Object.keys(capacities)) unknown(`regions.capacities.${id}`, id)
  for (const [index, id] of (only ?? []).entries()) unknown(`regions.only[${index}]`, id)
  const kept = known.filter(({ id, tier }) => tiers.includes(tier) && (only === undefined || only.includes(id)))
  if (kept.length === 0) {
    const wanted = only === undefined ? '' : `, ${only.join(', ')}`
    const message = `expected at least one region of tier ${tiers.join(', ')}${wanted} in ${directory}, not none`
    faults.push({ path: 'regions', message })
  }
  return kept.map(region => withSlots(region, capacities[region.id], faults)).sort((a, b) => (a.id < b.id ? -1 : 1))
}

function withSlots(region: Region, wanted: number | undefined, faults: Fault[]): Region {
  const slots = Math.floor(wanted ?? region.capacityRequests ?? 0)
  if (slots < 1) {
    const message = `is missing: the file of ${region.id} names no capacity of at least 1`
    faults.push({ path: `regions.capacities.${region.id}`, message })
  }
  return { ...region, capacityRequests: slots }
}
