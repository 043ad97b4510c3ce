/** The command line of `meridian explain`. */

import { Command, InvalidArgumentError } from 'commander'
import { withControlOptions } from './control-options.ts'
import type { Terminal } from './terminal.ts'

export function explainCommand(terminal: Terminal): Command {
  const command = new Command('explain')
    .description('show where a running router would send a client, and why')
    .argument('<ip>', 'address of the client')
    .option('--host <host>', 'host that the client asks for')
    .option('--path <path>', 'path that the client asks for')
    .option('--method <method>', 'method that the client uses')
    .option('--key <key>', 'affinity key: same key, same region')
    .option('--header <name: value>', 'header field that a rule reads; may be repeated', collectHeader)
  return withControlOptions(command)
    .addHelpText('after', '\nExample:\n  meridian explain 81.2.69.142 --host api.example.com --path /v1/chat')
    .action(async (ip, options) => (await import('./explain.ts')).explain(ip, options, terminal))
}

function collectHeader(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*([\x20-\x7e\x80-\xff]*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Expected "name: value".')
  if (name.toLowerCase() === 'authorization') throw new InvalidArgumentError('The API reads it itself: use --token.')
  return { ...before, [name.toLowerCase()]: value }
}
