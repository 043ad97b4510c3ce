/** `meridian fleet`: the fleet as a whole. */

import type { FleetView } from '../control/fleet-routes.ts'
import { askControl } from './control-client.ts'
import type { ControlOptions } from './control-options.ts'
import { staleWords } from './regions-view.ts'
import { renderFacts } from './table.ts'
import type { Terminal } from './terminal.ts'

/** @param mode undefined: only shown */
export async function fleetMode(
  mode: string | undefined,
  options: ControlOptions,
  { print, paint }: Terminal,
): Promise<void> {
  const set = { method: 'POST', path: 'v1/fleet/mode', body: { mode } } as const
  const request = mode === undefined ? { path: 'v1/fleet' } : set
  const fleet = (await askControl(options, { ...request, answerKey: 'mode' })) as FleetView
  if (options.json) return print(JSON.stringify(fleet))
  const { total, ...states } = fleet.regions
  const stale = staleWords(fleet)
  const counts = Object.entries(states).flatMap(([state, count]) => (count > 0 ? [`${count} ${state}`] : []))
  print(
    ...renderFacts(
      [
        ['mode', { text: fleet.mode, style: fleet.mode === 'auto' ? 'green' : 'yellow' }],
        ['regions', total === 0 ? 'none' : `${total}: ${counts.join(', ')}`],
        ['snapshot', `${fleet.snapshot.version}, ${(fleet.snapshot.ageMs / 1000).toFixed(1)} s old`],
        ['tolls', tollWords(fleet)],
        ...(stale === undefined ? [] : [['old', stale] as const]),
        ...(fleet.writeFault === undefined ? [] : [['store', fleet.writeFault] as const]),
      ],
      paint,
    ),
  )
}

/** `set by router-2 (term 3) 1.2 s ago` */
function tollWords({ leader = 'nobody at this moment', tolls }: FleetView): string {
  if (tolls === undefined) return `none yet; set by ${leader}`
  return `set by ${leader} (term ${tolls.term}), ${(tolls.ageMs / 1000).toFixed(1)} s old`
}
