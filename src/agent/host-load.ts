/**
 * How much of its CPU and memory a region uses: of the limits of its control group (version 2 or 1, and those around it)
 * where there are any, else of the whole machine.
 *
 * Reads Linux' files through a function it is given; where there are none, it says nothing. See cgroups(7), proc(5) and
 * the kernel's admin-guide/cgroup-v2.
 */

import { join } from 'node:path'
import type { Clock } from '../clock.ts'
import { findGroups, type Level, type ReadText } from './control-groups.ts'
import type { Load } from './metrics-mapping.ts'

export type HostLoad = Pick<Load, 'cpu' | 'memory'>

export interface HostLoadOptions {
  readonly readText: ReadText
  readonly now: Clock['now']
  /** Path of the group as in `/proc/<pid>/cgroup` (`/system.slice/vllm.service`); absent: the one of this process. */
  readonly group?: string | undefined
}

export interface HostLoadReader {
  /** CPU is the mean since the last reading, so that the first one has none. */
  read(): Promise<HostLoad>
}

export function createHostLoad({ readText, now, group }: HostLoadOptions): HostLoadReader {
  const cpuOfGroup = createMeter()
  const cpuOfMachine = createMeter()
  return {
    async read() {
      const [groups, machine] = await Promise.all([findGroups(readText, group), readMachineMemory(readText)])
      const levels = await Promise.all(groups.cpu.map(level => readCpu(readText, level)))
      const limitedCpu = levels.flatMap(level => (level === undefined ? [] : [level]))
      const at = now() / 1000
      const cpu =
        limitedCpu.length > 0
          ? most(limitedCpu.map(({ directory, usedSeconds, cores }) => cpuOfGroup(directory, usedSeconds, at * cores)))
          : await machineCpu(readText, cpuOfMachine)
      const shares = await Promise.all(groups.memory.map(level => readMemory(readText, level, machine?.totalBytes)))
      const memory = most(shares) ?? machine?.used
      return { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) }
    },
  }
}

/** Share of what was there that was used since the last call of the same name; a limit that changed begins anew. */
function createMeter(): (name: string, used: number, available: number) => number | undefined {
  const last = new Map<string, { readonly used: number; readonly available: number }>()
  return (name, used, available) => {
    const before = last.get(name)
    last.set(name, { used, available })
    if (before === undefined || available <= before.available || used < before.used) return undefined
    return Math.min(1, (used - before.used) / (available - before.available))
  }
}

function most(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

interface LimitedCpu {
  readonly directory: string
  readonly usedSeconds: number
  /** What the limit is worth; not whole. */
  readonly cores: number
}

/** Undefined for a level that sets no limit. */
async function readCpu(readText: ReadText, level: Level): Promise<LimitedCpu | undefined> {
  const { version, directory, usageDirectory } = level
  if (version === 2) {
    const [limit, stat] = await Promise.all([
      readText(join(directory, 'cpu.max')),
      readText(join(directory, 'cpu.stat')),
    ])
    const [quota, period] = numbers(limit)
    return limitedCpu(directory, quota, period, (field(stat, 'usage_usec') ?? Number.NaN) / 1e6)
  }
  const [quota, period, used] = await Promise.all([
    readText(join(directory, 'cpu.cfs_quota_us')),
    readText(join(directory, 'cpu.cfs_period_us')),
    readText(join(usageDirectory, 'cpuacct.usage')),
  ])
  return limitedCpu(directory, ...[quota, period].map(text => numbers(text)[0]), (numbers(used)[0] ?? Number.NaN) / 1e9)
}

function limitedCpu(directory: string, quota = Number.NaN, period = Number.NaN, usedSeconds = Number.NaN) {
  const cores = quota / period
  return cores > 0 && Number.isFinite(cores + usedSeconds) ? { directory, usedSeconds, cores } : undefined
}

/** The files that are cached in memory and not in use can be given up at any time: they are not counted. */
async function readMemory(
  readText: ReadText,
  { version, directory }: Level,
  machineBytes = Number.POSITIVE_INFINITY,
): Promise<number | undefined> {
  const names = version === 2 ? ['memory.max', 'memory.current'] : ['memory.limit_in_bytes', 'memory.usage_in_bytes']
  const [limit, used, stat] = await Promise.all([...names, 'memory.stat'].map(name => readText(join(directory, name))))
  const [limitBytes] = numbers(limit)
  const [usedBytes] = numbers(used)
  // Without a limit version 1 names a number that no machine has.
  if (limitBytes === undefined || usedBytes === undefined || !(limitBytes > 0 && limitBytes <= machineBytes))
    return undefined
  const givenUp = field(stat, version === 2 ? 'inactive_file' : 'total_inactive_file') ?? 0
  return Math.min(1, Math.max(0, usedBytes - givenUp) / limitBytes)
}

async function readMachineMemory(readText: ReadText) {
  const meminfo = await readText('/proc/meminfo')
  const total = field(meminfo, 'MemTotal:')
  const available = field(meminfo, 'MemAvailable:')
  if (total === undefined || available === undefined || total <= 0) return undefined
  return { totalBytes: total * 1024, used: Math.min(1, Math.max(0, 1 - available / total)) }
}

async function machineCpu(readText: ReadText, meter: ReturnType<typeof createMeter>): Promise<number | undefined> {
  const [, line] = /^cpu +(.*)$/m.exec((await readText('/proc/stat')) ?? '') ?? []
  // user, nice, system, idle, iowait, irq, softirq, steal; guests are counted as users already.
  const ticks = numbers(line).slice(0, 8)
  const [, , , idle = Number.NaN, waiting = 0] = ticks
  const all = ticks.reduce((sum, value) => sum + value, 0)
  return Number.isNaN(idle) ? undefined : meter('machine', all - idle - waiting, all)
}

function numbers(text = ''): number[] {
  return text
    .split(/\s+/)
    .filter(word => /^-?\d+$/.test(word))
    .map(Number)
}

/** The number behind a name at the start of a line. */
function field(text = '', name: string): number | undefined {
  const line = text.split('\n').find(candidate => candidate.startsWith(`${name} `))
  return line === undefined ? undefined : numbers(line)[0]
}
