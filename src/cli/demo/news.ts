/** One line whenever a region of the demo goes down or comes back, from the same API that everybody else asks. */

import type { RegionView } from '../../control/schemas.ts'
import { repeat, systemClock } from '../../runtime/system-clock.ts'
import { askControl } from '../control-client.ts'

const everyMs = 500

/** Tells of every change from now on; the function returned ends that. */
export function tellNews(controlUrl: string, tell: (line: string) => void): () => void {
  const control = new URL(controlUrl)
  const down = new Set<string>()
  const look = async (): Promise<void> => {
    const { regions } = (await askControl({ control }, { path: 'v1/regions', answerKey: 'regions' })) as {
      regions: RegionView[]
    }
    for (const { id, state, reason, detail } of regions) {
      if (state === 'down' && !down.has(id)) {
        down.add(id)
        tell(`${id} is down (${reason}: ${detail}): its clients go elsewhere`)
      }
      if (state === 'up' && down.delete(id)) tell(`${id} is up again`)
    }
  }
  // While the router stops it answers no more; then there is nothing to tell either.
  return repeat(systemClock, everyMs, () => look().catch(() => {}))
}
