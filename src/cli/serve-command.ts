/** The command line of `meridian serve`. */

import { Command } from 'commander'
import type { Terminal } from './terminal.ts'

export function serveCommand(terminal: Terminal): Command {
  return new Command('serve')
    .description('run a router until SIGINT or SIGTERM')
    .option('-c, --config <file>', 'configuration file; without it the environment and defaults alone')
    .addHelpText('after', '\nThe first signal lets requests under way finish (up to 10 s), a second one does not wait.')
    .action(async ({ config }) => (await import('./serve.ts')).serve(config, terminal))
}
