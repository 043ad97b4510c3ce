/** The command line of `meridian regions`. */

import { Command } from 'commander'
import { withControlOptions } from './control-options.ts'
import type { Terminal } from './terminal.ts'

const force = 'also where the agent of a region sends heartbeats, and will register its own file again'

export function regionsCommand(terminal: Terminal): Command {
  const regions = () => import('./regions.ts')
  const changes = () => import('./regions-changes.ts')
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
    .option('--wait', 'until the region is empty')
    .option('--timeout <duration>', 'how long to wait (90s, 10m, 2h)', '10m')
    .action(async (id, options) => (await regions()).drainRegion(id, options, terminal))
  const undrain = new Command('undrain')
    .description('take a drain back (needs a token)')
    .argument('<id>', 'id of the region')
    .action(async (id, options) => (await regions()).undrainRegion(id, options, terminal))
  const register = new Command('register')
    .description('register the region of a file, or what has changed in it (needs a token)')
    .argument('<file>', 'region file (JSON)')
    .option('--force', force)
    .action(async (file, options) => (await changes()).registerRegion(file, options, terminal))
  const apply = new Command('apply')
    .description('register every region of a folder that is new or has changed (needs a token)')
    .argument('<folder>', 'folder with region files')
    .option('--force', force)
    .option('--prune', 'remove registered regions that have no file there')
    .option('--dry-run', 'change nothing: show which clients would move where, and what it costs them')
    .option('--against <folder>', 'dry run: compare with the regions of this folder instead of asking a router')
    .option('-c, --config <file>', 'dry run: rules, default order and databases from this configuration')
    .action(async (folder, options) => (await changes()).applyRegions(folder, options, terminal))
  const remove = new Command('remove')
    .description('forget what a region registered (needs a token)')
    .argument('<id>', 'id of the region')
    .option('--force', force)
    .action(async (id, options) => (await changes()).removeRegion(id, options, terminal))
  const group = new Command('regions').helpCommand(false).description('see and change the regions of a running router')
  for (const command of [list, show, register, apply, drain, undrain, remove])
    group.addCommand(withControlOptions(command))
  return group
}
