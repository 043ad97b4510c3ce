/** `meridian demo`: a whole fleet on one machine, to try things on. */

import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { createLogger } from '../observe/log.ts'
import { packageDirectory } from '../paths.ts'
import type { Trace } from '../routing/decision.ts'
import { askControl } from './control-client.ts'
import type { Demo, DemoPorts } from './demo/demo.ts'
import { tellNews } from './demo/news.ts'
import { firstClient, renderOverview } from './demo/overview.ts'
import type { RegionProcess } from './demo/region-process.ts'
import { takeStopSignal } from './stop-signals.ts'
import type { Terminal } from './terminal.ts'

export function demoCommand(terminal: Terminal): Command {
  return new Command('demo')
    .description('start the example fleet on this machine, and print what to try')
    .option('--regions <folder>', 'folder with region files; the example fleet where absent')
    .option('--http-port <port>', 'port for clients', parsePort, 8080)
    .option('--control-port <port>', 'port of the control API', parsePort, 8081)
    .option('--region-ports <port>', 'port of the first region; the others follow', parsePort, 9101)
    .addHelpText('after', '\nA port that is taken is replaced by a free one.')
    .action(({ regions, httpPort, controlPort, regionPorts }) =>
      runDemo(
        regions ?? join(packageDirectory, 'regions'),
        { http: httpPort, control: controlPort, regions: regionPorts },
        terminal,
      ),
    )
}

async function runDemo(directory: string, ports: DemoPorts, { print, paint }: Terminal): Promise<void> {
  const stopSignal = takeStopSignal()
  const { startDemo } = await import('./demo/demo.ts')
  const demo = await startDemo({ directory, ports, log: createLogger({ level: 'error' }) })
  print(...renderOverview(demo, ports, await servingRegion(demo), paint))

  const tell = (line: string): void => print(`${new Date().toTimeString().slice(0, 8)}  ${line}`)
  const stopNews = tellNews(demo.controlUrl, tell)
  let stopping = false
  for (const { region, pid, ended } of demo.regions) {
    void ended.then(({ code, signal }) => {
      if (!stopping) tell(`${region.id}: process ${pid} ended (${signal ?? `exit code ${code}`})`)
    })
  }
  await stopSignal
  stopping = true
  stopNews()
  print('', 'Stopping …')
  await demo.close()
  print('Stopped: the router and all regions are gone.')
}

async function servingRegion({ controlUrl, regions }: Demo): Promise<RegionProcess> {
  const trace = await askControl({ control: new URL(controlUrl) }, { path: `v1/explain?ip=${firstClient}` })
  return regions.find(({ region }) => region.id === (trace as Trace).region) ?? regions[0]!
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError('Expected a port from 0 to 65535.')
}
