/** Everything that an agent looks at beside it: the service's health, its metrics, its own word, and the machine. */

import { createCondition, type Tell } from './agent-events.ts'
import type { AgentSettings } from './agent-options.ts'
import { createHostLoad } from './host-load.ts'
import { checkService, createMetricsReader } from './local-service.ts'
import { tidyLoad } from './metrics-load.ts'
import type { Load } from './metrics-mapping.ts'
import type { Surroundings } from './surroundings.ts'

/** A service that hangs must not hold a heartbeat back for long. */
const localTimeoutMs = 1_500

export interface LoadSources {
  /** Whether the service passes its check; true where it has none. */
  isWell(): Promise<boolean>
  /** What cannot be read is left out. */
  measure(): Promise<Load>
  /** The same without what is only known as a mean since the last time: for a look between two heartbeats. */
  glance(): Promise<Load>
}

export function createLoadSources(settings: AgentSettings, around: Surroundings, tell: Tell): LoadSources {
  const { check, metrics, region } = settings
  const { fetch, clock, readText } = around
  const local = { fetch, clock, timeoutMs: localTimeoutMs }
  const health = createCondition(tell)
  const metricsCondition = createCondition(tell)
  const ownCondition = createCondition(tell)
  const reader = metrics && createMetricsReader(metrics.url, metrics.mapping, local)
  const host = settings.host && createHostLoad({ readText, now: clock.now, group: settings.host.group })

  const readMetrics = async (): Promise<Load> => {
    if (reader === undefined) return {}
    try {
      const load = await reader.read()
      metricsCondition.isWell('load-well', `the metrics at ${metrics!.url.href} can be read again`)
      return load
    } catch (error) {
      const reason = (error as Error).message
      metricsCondition.fails('load-failing', `the metrics at ${metrics!.url.href} cannot be read: ${reason}`)
      return {}
    }
  }
  const readOwn = async (): Promise<Load> => {
    try {
      const load = tidyLoad((await settings.load?.()) ?? {})
      ownCondition.isWell('load-well', 'the service tells its load again')
      return load
    } catch (error) {
      ownCondition.fails('load-failing', `the service cannot tell its load: ${(error as Error).message}`)
      return {}
    }
  }
  const declared = region.capacityRequests === undefined ? {} : { capacityRequests: region.capacityRequests }
  return {
    async isWell() {
      if (check === undefined) return true
      const fault = await checkService(check, local)
      if (fault === undefined) health.isWell('service-well', `the service is well again: heartbeats go on`)
      else
        health.fails(
          'service-failing',
          `the check of ${check.url.href} failed (${fault}): no heartbeats until it is well`,
        )
      return fault === undefined
    },
    async measure() {
      const [hostLoad, metricsLoad, own] = await Promise.all([host?.read(), readMetrics(), readOwn()])
      return tidyLoad({ ...declared, ...hostLoad, ...metricsLoad, ...own })
    },
    async glance() {
      const [metricsLoad, own] = await Promise.all([readMetrics(), readOwn()])
      return tidyLoad({ ...declared, ...metricsLoad, ...own })
    },
  }
}
