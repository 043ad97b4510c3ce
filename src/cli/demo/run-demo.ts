/** `meridian demo`: starts the fleet, says what there is to try, tells what happens, and stops it all. */

import { join } from 'node:path'
import { createLogger } from '../../observe/log.ts'
import { packageDirectory } from '../../paths.ts'
import type { Trace } from '../../routing/decision.ts'
import { askControl } from '../control-client.ts'
import { leaveStopped, takeStopSignal } from '../stop-signals.ts'
import type { Terminal } from '../terminal.ts'
import { type Demo, type DemoPorts, startDemo } from './demo.ts'
import { tellNews } from './news.ts'
import { firstClient, renderOverview } from './overview.ts'
import type { RegionProcess } from './region-process.ts'

/** @param directory of region files; undefined: the example fleet */
export async function runDemo(
  directory: string | undefined,
  ports: DemoPorts,
  { print, paint }: Terminal,
): Promise<void> {
  const stopSignal = takeStopSignal()
  const demo = await startDemo({
    directory: directory ?? join(packageDirectory, 'regions'),
    ports,
    log: createLogger({ level: 'error' }),
  })
  try {
    print(...renderOverview(demo, ports, await servingRegion(demo), paint))
    const stopNews = tellNews(demo, line => print(`${new Date().toTimeString().slice(0, 8)}  ${line}`))
    await stopSignal
    stopNews()
    print('', 'Stopping …')
  } finally {
    await demo.close()
  }
  print('Stopped: the router and all regions are gone.')
  leaveStopped()
}

async function servingRegion({ controlUrl, regions }: Demo): Promise<RegionProcess> {
  const trace = await askControl(
    { control: new URL(controlUrl) },
    { path: `v1/explain?ip=${firstClient}`, answerKey: 'rejected' },
  )
  return regions.find(({ region }) => region.id === (trace as Trace).region) ?? regions[0]!
}
