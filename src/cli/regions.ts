/** `meridian regions`: the fleet as a running router sees it, and the operator's word on single regions. */

import type { Staleness } from '../control/fleet-reading.ts'
import type { RegionView } from '../control/schemas.ts'
import { askControl, type ControlConnection, type ControlRequest } from './control-client.ts'
import type { ControlOptions } from './control-options.ts'
import { parseWait, waitUntilEmpty } from './drain-wait.ts'
import { renderRegion, renderRegionList, staleWords } from './regions-view.ts'
import type { Terminal } from './terminal.ts'

export async function listRegions(options: ControlOptions, { print, complain, paint }: Terminal): Promise<void> {
  const list = await readList(options)
  if (options.json) return print(JSON.stringify(list))
  print(...renderRegionList(list.regions, paint))
  const stale = staleWords(list)
  if (stale !== undefined) complain(`meridian: ${stale}`)
}

/** The fleet of a running router, by id. */
export async function readRegions(options: ControlConnection): Promise<readonly RegionView[]> {
  return (await readList(options)).regions
}

type RegionList = Staleness & { readonly regions: readonly RegionView[] }

async function readList(options: ControlConnection): Promise<RegionList> {
  return (await askControl(options, { path: 'v1/regions', answerKey: 'regions' })) as RegionList
}

export async function showRegion(id: string, options: ControlOptions, terminal: Terminal): Promise<void> {
  await printRegion({ path: pathOf(id) }, options, terminal)
}

export async function drainRegion(
  id: string,
  options: ControlOptions & { readonly reason?: string; readonly wait?: boolean; readonly timeout: string },
  terminal: Terminal,
): Promise<void> {
  const body = options.reason === undefined ? {} : { reason: options.reason }
  const timeoutMs = parseWait(options.timeout)
  const drain = { method: 'POST', path: `${pathOf(id)}/drain`, body } as const
  if (!options.wait) return printRegion(drain, options, terminal)
  await askControl(options, { ...drain, answerKey: 'state' })
  const read = async () => (await askControl(options, { path: pathOf(id), answerKey: 'state' })) as RegionView
  const outcome = await waitUntilEmpty(id, read, timeoutMs, line => terminal.complain(`meridian: ${line}`))
  terminal.print(options.json ? JSON.stringify(outcome) : `${id} ${outcome.why}`)
}

export async function undrainRegion(id: string, options: ControlOptions, terminal: Terminal): Promise<void> {
  await printRegion({ method: 'POST', path: `${pathOf(id)}/undrain`, orNothing: true }, options, terminal, () =>
    options.json ? JSON.stringify({ undrained: id }) : `${id} is drained no more; the region itself is not known now`,
  )
}

/** Every request about one region is answered with how it now is; `gone` is for where it is not known. */
async function printRegion(
  request: Omit<ControlRequest, 'answerKey'>,
  options: ControlOptions,
  { print, paint }: Terminal,
  gone = (): string => '',
): Promise<void> {
  const region = (await askControl(options, { ...request, answerKey: 'state' })) as RegionView | undefined
  if (region === undefined) return print(gone())
  print(...(options.json ? [JSON.stringify(region)] : renderRegion(region, paint)))
}

export function pathOf(id: string): string {
  return `v1/regions/${encodeURIComponent(id)}`
}
