/** `meridian explain`: asks a running router where it would send a client, and why. */

import { Command, InvalidArgumentError } from 'commander'
import { askControl } from './control-client.ts'
import { type ControlOptions, withControlOptions } from './control-options.ts'
import { renderTrace, type TraceAnswer } from './explain-view.ts'
import { parseAddressArgument } from './parse-arguments.ts'
import type { Terminal } from './terminal.ts'

interface ExplainOptions extends ControlOptions {
  readonly host?: string
  readonly path?: string
  readonly method?: string
  readonly key?: string
  readonly header?: Readonly<Record<string, string>>
}

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
    .action((ip: string, options: ExplainOptions) => explain(ip, options, terminal))
}

async function explain(ip: string, options: ExplainOptions, { print, paint }: Terminal): Promise<void> {
  parseAddressArgument(ip)
  const { host, path, method, key } = options
  const given = Object.entries({ ip, host, path, method, key }).filter(([, value]) => value !== undefined)
  const query = new URLSearchParams(given as [string, string][])
  const trace = await askControl(options, { path: `v1/explain?${query}`, headers: options.header ?? {} })
  print(...(options.json ? [JSON.stringify(trace)] : renderTrace(trace as TraceAnswer, paint)))
}

function collectHeader(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*([\x20-\x7e\x80-\xff]*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Expected "name: value".')
  if (name.toLowerCase() === 'authorization') throw new InvalidArgumentError('The API reads it itself: use --token.')
  return { ...before, [name.toLowerCase()]: value }
}
