/** The command line of `meridian regions`. */

import { Command } from 'commander'
import { withControlOptions } from './control-options.ts'
import type { Terminal } from './terminal.ts'

export function regionsCommand(terminal: Terminal): Command {
  const regions = () => import('./regions.ts')
  const list = new Command('list')
    .description('all regions, their state and load')
    .action(async options => (await regions()).listRegions(options, terminal))
  const show = new Command('show')
    .description('everything that is known of one region')
    .argument('<id>', 'id of the region')
    .action(async (id, options) => (await regions()).showRegion(id, options, terminal))
  const drain = new Command('drain')
    .description('send no more clients there, until undrain (needs a token)')
    .argument('<id>', 'id of the region')
    .option('--reason <text>', 'why, for whoever asks later')
    .action(async (id, options) => (await regions()).drainRegion(id, options, terminal))
  const undrain = new Command('undrain')
    .description('take a drain back (needs a token)')
    .argument('<id>', 'id of the region')
    .action(async (id, options) => (await regions()).undrainRegion(id, options, terminal))
  const group = new Command('regions')
    .helpCommand(false)
    .description('list, show, drain or undrain the regions of a running router')
  for (const command of [list, show, drain, undrain]) group.addCommand(withControlOptions(command))
  return group
}
