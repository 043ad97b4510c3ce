/** What an agent is told, and its check: every fault at once, before anything starts. */

import { MeridianError } from '../errors.ts'
import { inspectRegion } from '../regions/check-region.ts'
import { originUrlOf, type Region } from '../regions/region.ts'
import { type Fault, formatFault, shown } from '../schema.ts'
import type { AgentEvent } from './agent-events.ts'
import type { Check } from './local-service.ts'
import {
  checkMetricsMapping,
  isMetricsPreset,
  type Load,
  type MetricsMapping,
  type MetricsPreset,
  metricsPresets,
} from './metrics-mapping.ts'

/** A region as a region file has it: what has a default may be left out. */
export type RegionDescription = Omit<Region, 'weight' | 'biasMs' | 'capabilities' | 'labels'> & Partial<Region>

export interface AgentOptions {
  readonly region: RegionDescription
  /** Base URLs of the control APIs of one fleet; the first that answers is used until it does not. */
  readonly control: string | readonly string[]
  /** Bearer token with the right `report`; a function is asked before every call, so that tokens can be rotated. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>)
  /** Between heartbeats, ms; less where the lease is shorter than three of them. 2,000 where absent. */
  readonly heartbeatMs?: number
  /**
   * What has to answer before every heartbeat: no answer, no heartbeat, and the lease lapses. Absent: the probe of the
   * region, where it declares one. `false`: nothing is checked.
   */
  readonly check?: { readonly url: string; readonly status?: number } | false
  /** The service's Prometheus endpoint; the mapping is `generic` where absent. */
  readonly metrics?: { readonly url: string; readonly mapping?: MetricsPreset | MetricsMapping }
  /** What the service says of itself; wins over its metrics, and those over what the machine says. */
  readonly load?: () => Load | Promise<Load>
  /**
   * CPU and memory, of the control group of this process, or of another one (a path as in `/proc/<pid>/cgroup`). `false`:
   * nobody looks.
   */
  readonly host?: { readonly group?: string } | false
  /** How long `stop` waits for requests in flight, ms; 0: not at all. 25,000 where absent. */
  readonly drainLimitMs?: number
  /** Must not throw. */
  readonly onEvent?: (event: AgentEvent) => void
}

/** Options that were checked, with their defaults. */
export interface AgentSettings {
  readonly region: Region
  readonly control: readonly URL[]
  readonly token: () => string | undefined | Promise<string | undefined>
  readonly heartbeatMs: number
  readonly check: Check | undefined
  readonly metrics: { readonly url: URL; readonly mapping: MetricsMapping } | undefined
  readonly load: AgentOptions['load']
  readonly host: { readonly group?: string } | undefined
  readonly drainLimitMs: number
}

/** As the control API takes it (RFC 6750); anything else could not be sent, or would end in an error that shows it. */
const bearerToken = /^[A-Za-z0-9._~+/-]+=*$/

/** @throws MeridianError CONFIG_INVALID with every fault */
export function parseAgentOptions(options: AgentOptions): AgentSettings {
  const faults: Fault[] = []
  const url = (path: string, text: string): URL => {
    const parsed = URL.parse(text)
    if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed
    faults.push({ path, message: `expected a URL such as http://127.0.0.1:8081, not ${shown(text)}` })
    return new URL('http://invalid')
  }
  const milliseconds = (path: string, value: number, minimum: number): number => {
    if (!(value >= minimum && value <= 86_400_000))
      faults.push({ path, message: `expected milliseconds from ${minimum} to 86400000, not ${shown(value)}` })
    return value
  }
  const region = inspectRegion(options.region)
  if (!region.ok) faults.push(...region.faults.map(({ path, message }) => ({ path: `region.${path}`, message })))
  const urls = [options.control].flat()
  if (urls.length === 0) faults.push({ path: 'control', message: 'expected the URL of at least one control API' })

  const settings = {
    control: urls.map((text, index) => url(`control[${index}]`, text)),
    token: checkedToken(options.token, faults),
    heartbeatMs: milliseconds('heartbeatMs', options.heartbeatMs ?? 2_000, 10),
    drainLimitMs: milliseconds('drainLimitMs', options.drainLimitMs ?? 25_000, 0),
    metrics: options.metrics && {
      url: url('metrics.url', options.metrics.url),
      mapping: mappingOf(options.metrics.mapping, faults),
    },
    load: options.load,
    host: options.host === false ? undefined : (options.host ?? {}),
  }
  const check = options.check || undefined
  const asked = check && { url: url('check.url', check.url), status: check.status ?? 200 }
  if (!region.ok || faults.length > 0) {
    const sentences = faults.map(formatFault)
    throw new MeridianError('CONFIG_INVALID', `the agent: ${sentences.join('; ')}`, { faults: sentences })
  }
  return { ...settings, region: region.value, check: options.check === undefined ? probeOf(region.value) : asked }
}

function probeOf(region: Region): Check | undefined {
  const { probe } = region.endpoints
  return probe && { url: new URL(originUrlOf(region) + (probe.path ?? '/')), status: probe.status ?? 200 }
}

function checkedToken(token: AgentOptions['token'], faults: Fault[]): AgentSettings['token'] {
  const expected = 'expected a bearer token: letters, digits and -._~+/ (it is not shown here)'
  if (typeof token === 'string' && !bearerToken.test(token)) faults.push({ path: 'token', message: expected })
  return async () => {
    const text = typeof token === 'function' ? await token() : token
    if (text !== undefined && !bearerToken.test(text)) throw new Error(`token: ${expected}`)
    return text
  }
}

function mappingOf(mapping: MetricsPreset | MetricsMapping = 'generic', faults: Fault[]): MetricsMapping {
  if (typeof mapping === 'string') {
    if (isMetricsPreset(mapping)) return metricsPresets[mapping]
    const known = Object.keys(metricsPresets).join(', ')
    faults.push({ path: 'metrics.mapping', message: `expected a mapping or one of ${known}, not ${shown(mapping)}` })
    return {}
  }
  try {
    return checkMetricsMapping(mapping, 'metrics.mapping')
  } catch (error) {
    if (!(error instanceof MeridianError)) throw error
    faults.push(...error.faults.map(message => ({ path: 'metrics.mapping', message })))
    return {}
  }
}
