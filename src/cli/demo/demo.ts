/**
 * The demo: every region of `regions/` as a process of its own on this machine, and a router in front of them that they
 * register with.
 */

import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type Config, parseConfig } from '../../config/config.ts'
import { MeridianError } from '../../errors.ts'
import { type Region, tiers } from '../../regions/region.ts'
import { readRegionFiles } from '../../regions/region-files.ts'
import { type Meridian, startMeridian } from '../../runtime/meridian.ts'
import { type RegionProcess, startRegionProcess } from './region-process.ts'

export interface DemoOptions {
  /** Folder with the region files. */
  readonly directory: string
  /** Where everything would like to listen; each port that is taken is replaced by a free one. */
  readonly ports: DemoPorts
  readonly log: Logger
}

export interface DemoPorts {
  readonly http: number
  readonly control: number
  /** Of the first region; the others follow. 0: any free ports. */
  readonly regions: number
}

export interface Demo {
  readonly dataUrl: string
  readonly controlUrl: string
  /** May drain, undrain, register and remove; ends with the demo. */
  readonly operatorToken: string
  /** By tier, as clients come to them. */
  readonly regions: readonly RegionProcess[]
  /** Stops the router, then the regions. */
  close(): Promise<void>
}

/**
 * Resolves once every region is registered.
 *
 * @throws MeridianError of whatever could not be started; nothing is left running
 */
export async function startDemo({ directory, ports, log }: DemoOptions): Promise<Demo> {
  const declared = await readRegionFiles(directory)
  const ordered = tiers.flatMap(tier => declared.filter(region => region.tier === tier))
  if (ordered.length === 0)
    throw new MeridianError('REGION_UNKNOWN', `there is no region file (<id>.json) in ${directory}`)
  const token = randomToken()
  const operatorToken = randomToken()
  // What one demo measured is no business of the next.
  const memory = await mkdtemp(join(tmpdir(), 'meridian-demo-'))
  const config = await demoConfig(ports, { token, operatorToken }, declared, join(memory, 'latency'))
  const [router, ...processes] = await Promise.allSettled([
    startMeridian(config, { regions: [], log }),
    ...ordered.map((region, index) => startRegionProcess(region, ports.regions === 0 ? 0 : ports.regions + index)),
  ])
  const regions = processes.filter(outcome => outcome.status === 'fulfilled').map(({ value }) => value)
  const close = async (): Promise<void> => {
    if (router.status === 'fulfilled') await router.value.close()
    await Promise.all(regions.map(region => region.stop()))
    await rm(memory, { recursive: true, force: true })
  }
  try {
    const { dataUrls, controlUrl } = requireValue<Meridian>(router)
    for (const outcome of processes) requireValue<RegionProcess>(outcome)
    await Promise.all(regions.map(region => region.register(controlUrl, token)))
    return { dataUrl: dataUrls[0]!, controlUrl, operatorToken, regions, close }
  } catch (error) {
    await close()
    throw error
  }
}

function requireValue<T>(outcome: PromiseSettledResult<T>): T {
  if (outcome.status === 'rejected') throw outcome.reason
  return outcome.value
}

/** A router as an operator would write it; only that it looks after its regions more often, since people are watching. */
async function demoConfig(
  ports: DemoPorts,
  { token, operatorToken }: { readonly token: string; readonly operatorToken: string },
  regions: readonly Region[],
  latencyFile: string,
): Promise<Config> {
  // For clients of whom nothing is known: who can hold most comes first.
  const bySize = regions.toSorted((a, b) => (b.capacityRequests ?? 0) - (a.capacityRequests ?? 0))
  const loopback = ['127.0.0.0/8', '::1/128']
  const settings = {
    fleet: 'demo',
    http: { listen: [{ address: '127.0.0.1', port: await freePort(ports.http) }], trustedProxies: loopback },
    control: {
      listen: { address: '127.0.0.1', port: await freePort(ports.control) },
      allowedEndpoints: loopback,
      tokens: [
        { name: 'regions', sha256: sha256(token), rights: ['report'] },
        { name: 'operator', sha256: sha256(operatorToken), rights: ['report', 'operator'] },
      ],
    },
    health: { interval: '1s', recheck: '300ms', fall: 2 },
    regions: { defaultOrder: bySize.map(({ id }) => id) },
    routing: { latency: { file: latencyFile } },
    rules: [
      { name: 'forwarded', match: { path: '/v1/' }, transport: 'proxy' },
      { name: 'decided', match: { path: '/decide' }, transport: 'decide' },
    ],
  }
  return parseConfig(JSON.stringify(settings), undefined, {})
}

function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** The port itself where nobody listens there, else 0, for which the system finds one. */
function freePort(port: number): Promise<number> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(0))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)))
  })
}
