/** One line whenever a region of the demo dies, goes down or comes back. */

import type { RegionView } from '../../control/schemas.ts'
import { repeat, systemClock } from '../../runtime/system-clock.ts'
import { askControl } from '../control-client.ts'
import type { Demo } from './demo.ts'

const everyMs = 500

/** Tells of every change from now on; the function returned ends that. */
export function tellNews(
  { controlUrl, regions }: Pick<Demo, 'controlUrl' | 'regions'>,
  tell: (line: string) => void,
): () => void {
  let stopped = false
  for (const { region, pid, ended } of regions) {
    void ended.then(({ code, signal }) => {
      if (!stopped) tell(`${region.id}: process ${pid} ended (${signal ?? `exit code ${code}`})`)
    })
  }
  const stopLooking = repeat(systemClock, everyMs, stateWatch(new URL(controlUrl), tell))
  return () => {
    stopped = true
    stopLooking()
  }
}

/** Looks through the same API that everybody else asks, and compares with the last time. */
function stateWatch(control: URL, tell: (line: string) => void): () => Promise<void> {
  const down = new Set<string>()
  const look = async (): Promise<void> => {
    const answer = await askControl({ control }, { path: 'v1/regions', answerKey: 'regions' })
    for (const { id, state, reason, detail } of (answer as { readonly regions: readonly RegionView[] }).regions) {
      if (state === 'down' && !down.has(id)) {
        down.add(id)
        tell(`${id} is down (${reason}: ${detail}): its clients go elsewhere`)
      }
      if (state === 'up' && down.delete(id)) tell(`${id} is up again`)
    }
  }
  // While the router stops it answers no more; then there is nothing to tell either.
  return () => look().catch(() => {})
}
