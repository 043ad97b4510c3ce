/** The command line of `meridian fleet`. */

import { Command } from 'commander'
import { withControlOptions } from './control-options.ts'
import type { Terminal } from './terminal.ts'

export function fleetCommand(terminal: Terminal): Command {
  const mode = new Command('mode')
    .description('show or set the mode of the whole fleet (setting needs a token)')
    .argument('[mode]', 'auto, frozen (states and loads stay as they are) or distance-only (loads do not count)')
    .action(async (mode, options) => (await import('./fleet.ts')).fleetMode(mode, options, terminal))
  return new Command('fleet')
    .helpCommand(false)
    .description('the fleet as a whole, and the brake on it')
    .addCommand(withControlOptions(mode))
}
