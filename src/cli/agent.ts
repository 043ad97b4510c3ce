/** `meridian agent`: speaks for a region until it is told to stop. */

import { readFile } from 'node:fs/promises'
import Type from 'typebox'
import { type AgentOptions, startAgent } from '../agent/agent.ts'
import { isMetricsPreset, readMetricsMapping } from '../agent/metrics-mapping.ts'
import { machine } from '../agent/surroundings.ts'
import { Duration, parseDuration } from '../config/duration.ts'
import { MeridianError, unreadable } from '../errors.ts'
import { readRegionFile } from '../regions/region-files.ts'
import { checker, formatFault } from '../schema.ts'
import type { TlsOptions } from './control-options.ts'
import { fetchWithTls } from './control-tls.ts'
import { leaveStopped, takeStopSignal } from './stop-signals.ts'
import { printable, type Terminal } from './terminal.ts'

export interface AgentCommandOptions extends TlsOptions {
  readonly regionFile: string
  readonly control: readonly string[]
  readonly tokenFile?: string
  /** A duration. */
  readonly heartbeat: string
  readonly check?: string | false
  readonly checkStatus?: number
  readonly metrics?: string
  readonly metricsMapping: string
  readonly cgroup?: string
  /** A duration. */
  readonly drainLimit: string
  readonly drain: boolean
}

/** @throws MeridianError of whatever is wrong with the options, or the refusal of the first registration */
export async function runAgent(options: AgentCommandOptions, { complain, environment }: Terminal): Promise<void> {
  const agentOptions = await readOptions(options, environment['MERIDIAN_TOKEN'])
  const controlFetch = fetchWithTls(options)
  const stopSignal = takeStopSignal()
  const agent = startAgent(
    {
      ...agentOptions,
      // What ends the agent is what the command ends with.
      onEvent: ({ kind, message }) => kind === 'refused' || complain(`meridian: ${printable(message)}`),
    },
    { ...machine, ...(controlFetch !== undefined && { controlFetch }) },
  )
  // Nothing else keeps the process alive between two heartbeats.
  const alive = setInterval(() => {}, 60_000)
  try {
    const signal = await Promise.race([stopSignal, agent.registered.then(() => stopSignal, withHint)])
    complain(`meridian: ${signal}, taking the region out of service`)
    await agent.stop()
  } finally {
    clearInterval(alive)
  }
  leaveStopped()
}

/** @throws MeridianError the same, with where this command takes a token from */
function withHint(error: MeridianError): never {
  if (error.code !== 'TOKEN_MISSING' && error.code !== 'TOKEN_UNKNOWN') throw error
  throw new MeridianError(error.code, `${error.message} (here: --token-file or MERIDIAN_TOKEN)`, { cause: error })
}

async function readOptions(options: AgentCommandOptions, token: string | undefined): Promise<AgentOptions> {
  const { check, checkStatus, metrics, metricsMapping, cgroup, tokenFile } = options
  const { heartbeat, 'drain-limit': drainLimit } = readDurations(options)
  if (checkStatus !== undefined && typeof check !== 'string') {
    throw new MeridianError(
      'REQUEST_INVALID',
      '--check-status needs --check: without it the probe of the region counts',
    )
  }
  const region = await readRegionFile(options.regionFile)
  const mapping = isMetricsPreset(metricsMapping) ? metricsMapping : await readMetricsMapping(metricsMapping)
  if (tokenFile !== undefined) await readToken(tokenFile)
  return {
    region,
    control: options.control,
    ...(tokenFile !== undefined ? { token: () => readToken(tokenFile) } : token ? { token } : {}),
    heartbeatMs: heartbeat,
    ...(check === false && { check }),
    ...(typeof check === 'string' && { check: { url: check, status: checkStatus ?? 200 } }),
    ...(metrics !== undefined && { metrics: { url: metrics, mapping } }),
    ...(cgroup !== undefined && { host: { group: cgroup } }),
    drainLimitMs: options.drain ? drainLimit : 0,
  }
}

const durations = { heartbeat: Duration('2s'), 'drain-limit': Duration('25s') }
const checkDurations = checker(Type.Object(durations))

/** In milliseconds, by the name of the option. */
function readDurations({ heartbeat, drainLimit }: AgentCommandOptions): Record<keyof typeof durations, number> {
  const checked = checkDurations({ heartbeat, 'drain-limit': drainLimit })
  if (!checked.ok) {
    const faults = checked.faults.map(fault => `--${formatFault(fault)}`)
    throw new MeridianError('REQUEST_INVALID', faults.join('; '), { faults })
  }
  return {
    heartbeat: parseDuration(checked.value.heartbeat),
    'drain-limit': parseDuration(checked.value['drain-limit']),
  }
}

/** @throws MeridianError FILE_UNREADABLE */
async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw unreadable(file, cause, 'the token')
  }
}
