/** The command line of `meridian tokens`. */

import { Command } from 'commander'
import { withControlOptions } from './control-options.ts'
import type { Terminal } from './terminal.ts'

export function tokensCommand(terminal: Terminal): Command {
  const tokens = () => import('./tokens.ts')
  const create = new Command('create')
    .description('make a token: printed once, and never again')
    .argument('<name>', 'who will use it, as it stands in logs and drains')
    .option('--rights <rights>', 'what it allows: some of read,report,operator; all where absent', split)
    .option('--regions <globs...>', 'regions that it may speak of (edge-*); all where absent')
    .option(
      '--expires <duration or day>',
      'how long it is valid (90d, 12h), or its last day in UTC (2027-01-31); until it is revoked where absent',
    )
    .option('--offline', 'ask no router: print the entry for control.tokens of a configuration, as for the first token')
    .action(async (name, options) => (await tokens()).createToken(name, options, terminal))
  const list = new Command('list')
    .description('all tokens, without their secrets')
    .action(async options => (await tokens()).listTokens(options, terminal))
  const revoke = new Command('revoke')
    .description('end a token, on all routers of the fleet')
    .argument('<id>', 'id of the token, from the list')
    .action(async (id, options) => (await tokens()).revokeToken(id, options, terminal))
  const group = new Command('tokens').helpCommand(false).description('make and revoke tokens for the control API')
  for (const command of [create, list, revoke]) group.addCommand(withControlOptions(command))
  return group
}

function split(text: string): string[] {
  return text.split(',').map(part => part.trim())
}
