/** The command line of `meridian audit`. */

import { Command, InvalidArgumentError } from 'commander'
import { withControlOptions } from './control-options.ts'
import type { Terminal } from './terminal.ts'

export function auditCommand(terminal: Terminal): Command {
  const command = new Command('audit')
    .description('who changed what in the fleet, the newest first (needs a token)')
    .option('--count <number>', 'how many entries, at most', parseCount, 20)
    .option('--region <id>', 'only what concerns this region')
    .action(async options => (await import('./audit.ts')).showAudit(options, terminal))
  return withControlOptions(command)
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a number from 1 to 9999.')
}
