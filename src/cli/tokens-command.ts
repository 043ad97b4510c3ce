/** The command line of `meridian tokens`. */

import { Command } from 'commander'
import type { Terminal } from './terminal.ts'

export function tokensCommand(terminal: Terminal): Command {
  const create = new Command('create')
    .description('make a token: printed once, with its entry for control.tokens')
    .argument('<name>', 'who will use it, as it stands in logs and drains')
    .option('--rights <rights>', 'what it allows: some of read,report,operator; all where absent', split)
    .option('--json', 'as JSON')
    .action(async (name, options) => (await import('./tokens.ts')).printNewToken(name, options, terminal))
  return new Command('tokens').helpCommand(false).description('make tokens for the control API').addCommand(create)
}

function split(text: string): string[] {
  return text.split(',').map(part => part.trim())
}
