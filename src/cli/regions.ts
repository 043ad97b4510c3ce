/** `meridian regions`: the fleet as a running router sees it, and the operator's word on single regions. */

import type { RegionView } from '../control/schemas.ts'
import { askControl, type ControlRequest } from './control-client.ts'
import type { ControlOptions } from './control-options.ts'
import { renderRegion, renderRegionList } from './regions-view.ts'
import type { Terminal } from './terminal.ts'

export async function listRegions(options: ControlOptions, { print, paint }: Terminal): Promise<void> {
  const answer = (await askControl(options, { path: 'v1/regions', answerKey: 'regions' })) as {
    readonly regions: readonly RegionView[]
  }
  print(...(options.json ? [JSON.stringify(answer)] : renderRegionList(answer.regions, paint)))
}

export async function showRegion(id: string, options: ControlOptions, terminal: Terminal): Promise<void> {
  await printRegion({ path: pathOf(id) }, options, terminal)
}

export async function drainRegion(
  id: string,
  options: ControlOptions & { readonly reason?: string },
  terminal: Terminal,
): Promise<void> {
  const body = options.reason === undefined ? {} : { reason: options.reason }
  await printRegion({ method: 'POST', path: `${pathOf(id)}/drain`, body }, options, terminal)
}

export async function undrainRegion(id: string, options: ControlOptions, terminal: Terminal): Promise<void> {
  await printRegion({ method: 'POST', path: `${pathOf(id)}/undrain` }, options, terminal)
}

/** Every request about one region is answered with how it now is. */
async function printRegion(
  request: Omit<ControlRequest, 'answerKey'>,
  options: ControlOptions,
  { print, paint }: Terminal,
): Promise<void> {
  const region = (await askControl(options, { ...request, answerKey: 'state' })) as RegionView
  print(...(options.json ? [JSON.stringify(region)] : renderRegion(region, paint)))
}

function pathOf(id: string): string {
  return `v1/regions/${encodeURIComponent(id)}`
}
