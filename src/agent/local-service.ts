/** What the agent asks the service beside it: whether it is well, and what its metrics say. */

import type { Clock } from '../clock.ts'
import { formatFault } from '../schema.ts'
import { type Fetch, fetchBounded } from './bounded-fetch.ts'
import { parseExposition } from './exposition.ts'
import { createMetricsLoad } from './metrics-load.ts'
import type { Load, MetricsMapping } from './metrics-mapping.ts'

const metricsLimitBytes = 4 * 1024 * 1024

interface Surroundings {
  readonly fetch: Fetch
  readonly clock: Clock
  readonly timeoutMs: number
}

export interface Check {
  readonly url: URL
  /** The only status that counts as well. */
  readonly status: number
}

/** Says what is wrong with the service, undefined when nothing is. Every check has a connection of its own. */
export async function checkService({ url, status }: Check, surroundings: Surroundings): Promise<string | undefined> {
  try {
    const headers = { 'user-agent': 'meridian-agent', connection: 'close' }
    const answer = await fetchBounded(url, { headers }, { ...surroundings, limitBytes: 0 })
    return answer.status === status ? undefined : `answered ${answer.status} instead of ${status}`
  } catch (error) {
    return (error as Error).message
  }
}

export interface MetricsReader {
  /** @throws Error whose message says what is wrong */
  read(): Promise<Load>
}

export function createMetricsReader(url: URL, mapping: MetricsMapping, surroundings: Surroundings): MetricsReader {
  const metricsLoad = createMetricsLoad(mapping)
  const headers = { 'user-agent': 'meridian-agent', accept: 'text/plain;version=0.0.4' }
  return {
    async read() {
      const { status, text } = await fetchBounded(url, { headers }, { ...surroundings, limitBytes: metricsLimitBytes })
      if (status !== 200) throw new Error(`answered ${status} instead of 200`)
      const samples = parseExposition(text, metricsLoad.isWanted)
      if (!samples.ok) throw new Error(samples.faults.map(formatFault).join('; '))
      return metricsLoad.update(samples.value, surroundings.clock.now())
    },
  }
}
