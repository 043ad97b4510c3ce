/** What changes in the fleet, turned into metrics, lines of the log and events. */

import type { Logger } from 'pino'
import type { ConditionEvent } from '../control/event-hub.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Snapshot } from '../regions/snapshot.ts'

/**
 * @param onCondition called when a region that was there before is in another condition. Must not throw
 * @returns what to call with every new snapshot and the one before it
 */
export function observeFleet(
  metrics: Metrics,
  log: Logger,
  onCondition: (event: ConditionEvent) => void,
): (snapshot: Snapshot, previous: Snapshot) => void {
  return (snapshot, previous) => {
    metrics.useSnapshot(snapshot)
    const before = new Map(previous.regions.map(({ region, verdict }) => [region.id, verdict.condition]))
    for (const { region, verdict } of snapshot.regions) {
      const was = before.get(region.id)
      before.delete(region.id)
      const { condition: is, by, detail } = verdict
      if (was === is) continue
      if (was === undefined) {
        // What was there from the start is no news.
        if (previous.version > 0) log.info({ region: region.id, is }, 'a region has joined the fleet')
        continue
      }
      const line = { region: region.id, was, is, by, detail }
      if (is === 'down') log.warn(line, 'a region is in doubt')
      else log.info(line, 'a region has changed its condition')
      // The store tells of drains itself, with every router.
      if (is !== 'draining') onCondition({ kind: is, region: region.id, was, by, detail })
    }
    for (const [region, was] of before) log.info({ region, was }, 'a region has left the fleet')
  }
}
