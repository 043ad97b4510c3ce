/** What the demo says once it runs: what is where, and what to try. */

import { version } from '../../runtime/version.ts'
import { defaultControlUrl } from '../control-options.ts'
import { leftAligned, renderTable } from '../table.ts'
import type { Paint } from '../terminal.ts'
import type { Demo, DemoPorts } from './demo.ts'
import type { RegionProcess } from './region-process.ts'
import { serviceMsOf } from './region-server.ts'

/** Client of the first commands, whose region is the one to kill. */
export const firstClient = '81.2.69.142'

const width = 120

/** @param serving region that `firstClient` is sent to */
export function renderOverview(demo: Demo, wanted: DemoPorts, serving: RegionProcess, paint: Paint): string[] {
  const { dataUrl, controlUrl } = demo
  return [
    `${paint('bold', `Meridian ${version}`)}: a router and ${demo.regions.length} regions on this machine, each a process of its own`,
    '',
    `  clients  ${paint('cyan', dataUrl)}  redirects; proxies /v1/; answers /decide with a decision`,
    `  control  ${paint('cyan', controlUrl)}  the API; ${controlUrl}/docs shows it`,
    '',
    ...regionTable(demo, paint).map(line => `  ${line}`),
    ...movedPorts(demo, wanted).map(line => paint('yellow', line)),
    '',
    paint('bold', 'Try, in another terminal, in this folder:'),
    ...commands(demo, serving).flatMap(([what, command], index) => [
      '',
      `  ${index + 1}. ${what}`,
      `     ${paint('cyan', command)}`,
    ]),
    '',
    ...writing(demo, serving).map(line => `  ${line}`),
    '',
    'Ctrl-C stops the router and all regions.',
    '',
  ]
}

function regionTable({ regions }: Demo, paint: Paint): string[] {
  const right = (header: string) => ({ header, align: 'right' as const })
  const columns = [...leftAligned('region', 'tier', 'city', 'listens on'), ...['pid', 'holds', 'takes'].map(right)]
  const rows = regions.map(({ region, pid }) => [
    ...[region.id, region.tier, region.labels['city'] ?? region.name, region.endpoints.publicUrl],
    ...[String(pid), String(region.capacityRequests ?? ''), `${serviceMsOf(region)} ms`],
  ])
  return renderTable(columns, rows, width, paint)
}

function movedPorts({ dataUrl, controlUrl, regions }: Demo, wanted: DemoPorts): string[] {
  const moved = [
    ...[[wanted.http, portOf(dataUrl)] as const, [wanted.control, portOf(controlUrl)] as const],
    ...regions.map(({ port, preferredPort }) => [preferredPort, port] as const),
  ].filter(([want, got]) => want !== 0 && want !== got)
  if (moved.length === 0) return []
  return ['', `Taken by other programs, so replaced: ${moved.map(([want, got]) => `${want} by ${got}`).join(', ')}`]
}

function commands(
  { dataUrl, controlUrl }: Demo,
  { region, pid }: RegionProcess,
): (readonly [what: string, command: string])[] {
  const control = controlOption(controlUrl)
  const as = (address: string, path: string) => `curl -i -H 'X-Forwarded-For: ${address}' ${dataUrl}${path}`
  return [
    ['A client in London is redirected to a region in Europe:', as(firstClient, '/')],
    ['One in China, to a region in Asia:', as('202.96.128.86', '/')],
    ['Below /v1/ the router forwards, and the region itself answers:', as(firstClient, '/v1/chat')],
    ['Why there? Every region, with its column of milliseconds:', `npx meridian explain ${firstClient}${control}`],
    [`Kill ${region.id}, which serves that client. Within seconds 1 leads elsewhere, and 4 says why:`, `kill ${pid}`],
  ]
}

/** Reading is open on loopback; whoever wants to change something needs a token. */
function writing({ controlUrl, operatorToken, regions }: Demo, serving: RegionProcess): string[] {
  const { region } = regions.find(each => each !== serving) ?? serving
  return [
    `To write (drain, undrain, register): export MERIDIAN_TOKEN=${operatorToken}`,
    `Then for instance: npx meridian regions drain ${region.id}${controlOption(controlUrl)}`,
  ]
}

function controlOption(controlUrl: string): string {
  return controlUrl === defaultControlUrl ? '' : ` --control ${controlUrl}`
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}
