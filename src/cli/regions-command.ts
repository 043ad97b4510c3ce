/** `meridian regions`: the fleet as a running router sees it, and the operator's word on single regions. */

import { Command } from 'commander'
import type { RegionView } from '../control/schemas.ts'
import { askControl, type ControlRequest } from './control-client.ts'
import { type ControlOptions, withControlOptions } from './control-options.ts'
import { renderRegion, renderRegionList } from './regions-view.ts'
import type { Terminal } from './terminal.ts'

export function regionsCommand(terminal: Terminal): Command {
  const list = new Command('list')
    .description('all regions, their state and load')
    .action(async (options: ControlOptions) => {
      const answer = await askControl(options, { path: 'v1/regions' })
      const { regions } = answer as { regions: RegionView[] }
      terminal.print(...(options.json ? [JSON.stringify(answer)] : renderRegionList(regions, terminal.paint)))
    })
  const show = regionCommand('show', 'everything that is known of one region', terminal, path => ({ path }))
  const drain = regionCommand(
    'drain',
    'send no more clients there, until undrain (needs a token)',
    terminal,
    (path, { reason }) => ({
      method: 'POST',
      path: `${path}/drain`,
      body: { ...(reason !== undefined && { reason }) },
    }),
  ).option('--reason <text>', 'why, for whoever asks later')
  const undrain = regionCommand('undrain', 'take a drain back (needs a token)', terminal, path => ({
    method: 'POST',
    path: `${path}/undrain`,
  }))
  const group = new Command('regions')
    .helpCommand(false)
    .description('list, show, drain or undrain the regions of a running router')
  for (const command of [list, show, drain, undrain]) group.addCommand(withControlOptions(command))
  return group
}

interface RegionOptions extends ControlOptions {
  readonly reason?: string
}

/** A command about one region that answers with how the region now is. */
function regionCommand(
  name: string,
  description: string,
  { print, paint }: Terminal,
  requestFor: (path: string, options: RegionOptions) => ControlRequest,
): Command {
  return new Command(name)
    .description(description)
    .argument('<id>', 'id of the region')
    .action(async (id: string, options: RegionOptions) => {
      const answer = await askControl(options, requestFor(`v1/regions/${encodeURIComponent(id)}`, options))
      print(...(options.json ? [JSON.stringify(answer)] : renderRegion(answer as RegionView, paint)))
    })
}
