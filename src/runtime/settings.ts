/** The configuration as the rooms below want it. */

import type { Config } from '../config/config.ts'
import { isLoopback } from '../config/loopback.ts'
import type { Access } from '../control/dependencies.ts'
import type { RouterSettings } from '../routing/workings.ts'

export function routerSettings({ rules, regions, router, routing }: Config): RouterSettings {
  return {
    rules,
    defaultOrder: regions.defaultOrder,
    location: router.location,
    temperatureMs: routing.temperatureMs,
  }
}

export function controlAccess({ control }: Config): Access {
  const { tokens, certificates, hosts, rateLimit, listen } = control
  return { tokens, certificates, hosts, rateLimit, openReading: isLoopback(listen.address) }
}
