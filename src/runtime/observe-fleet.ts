/** What changes in the fleet, turned into metrics and lines of the log. */

import type { Logger } from 'pino'
import type { Metrics } from '../observe/metrics.ts'
import type { Snapshot } from '../regions/snapshot.ts'

/** @returns what to call with every new snapshot and the one before it */
export function observeFleet(metrics: Metrics, log: Logger): (snapshot: Snapshot, previous: Snapshot) => void {
  return (snapshot, previous) => {
    metrics.useSnapshot(snapshot)
    const before = new Map(previous.regions.map(({ region, verdict }) => [region.id, verdict.condition]))
    for (const { region, verdict } of snapshot.regions) {
      const was = before.get(region.id)
      before.delete(region.id)
      if (was === verdict.condition) continue
      if (was === undefined) {
        // What was there from the start is no news.
        if (previous.version > 0)
          log.info({ region: region.id, is: verdict.condition }, 'a region has joined the fleet')
        continue
      }
      const line = { region: region.id, was, is: verdict.condition, by: verdict.by, detail: verdict.detail }
      if (verdict.condition === 'down') log.warn(line, 'a region is in doubt')
      else log.info(line, 'a region has changed its condition')
    }
    for (const [region, was] of before) log.info({ region, was }, 'a region has left the fleet')
  }
}
