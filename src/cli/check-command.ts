/** The command line of `meridian check`. */

import { Command } from 'commander'
import type { Terminal } from './terminal.ts'

export function checkCommand(terminal: Terminal): Command {
  return new Command('check')
    .description('name every fault of the configuration and of the files that it leads to')
    .option('-c, --config <file>', 'configuration file; without it the environment and defaults alone')
    .option('--strict', 'fail on warnings, too')
    .option('--json', 'as JSON')
    .action(async options => (await import('./check.ts')).check(options, terminal))
}
