/** Events as scripts publish them: `draining cloud-fra`, `mode frozen ops`, `tokens`. Anybody may write to a channel. */

import { checker } from '../schema.ts'
import { RegionId } from './region.ts'
import { type FleetEvent, fleetModes, type RegionEvent } from './store.ts'

const published: readonly RegionEvent['kind'][] = [
  'registered',
  'draining',
  'undrained',
  'removed',
  'renewed',
  'capacity',
]
const checkId = checker(RegionId)

/** Undefined for what is not understood: a later router may publish more. */
export function parseEvent(message: string): FleetEvent | undefined {
  if (message === 'tokens') return { kind: 'tokens' }
  const [word, what = '', ...rest] = message.split(' ')
  if (word === 'mode') {
    const mode = fleetModes.find(candidate => candidate === what)
    return mode && { kind: 'mode', mode, by: rest.join(' ') }
  }
  const kind = published.find(candidate => candidate === word)
  return kind !== undefined && rest.length === 0 && checkId(what).ok ? { kind, region: what } : undefined
}
