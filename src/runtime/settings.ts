/** The configuration as the rooms below want it. */

import type { Config } from '../config/config.ts'
import type { RouterSettings } from '../routing/workings.ts'

export function routerSettings({ rules, regions, router, routing }: Config): RouterSettings {
  return {
    rules,
    defaultOrder: regions.defaultOrder,
    location: router.location,
    temperatureMs: routing.temperatureMs,
  }
}
