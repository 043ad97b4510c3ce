/** The command line of `meridian agent`. */

import { Command, InvalidArgumentError, Option } from 'commander'
import { withTlsOptions } from './control-options.ts'
import type { Terminal } from './terminal.ts'

export function agentCommand(terminal: Terminal): Command {
  const command = new Command('agent')
    .description('register a region and report its load until SIGINT or SIGTERM, then drain it')
    .requiredOption('--region-file <file>', 'what the region is, as in a region file')
    .addOption(
      new Option('--control <urls>', 'control API of each router, with commas between them')
        .env('MERIDIAN_CONTROL_URL')
        .default(['http://127.0.0.1:8081'], 'http://127.0.0.1:8081')
        .argParser(text => text.split(',').map(url => url.trim())),
    )
    .option('--token-file <file>', 'file with the bearer token, read anew for each call; else MERIDIAN_TOKEN')
  return withTlsOptions(command)
    .option('--heartbeat <duration>', 'between heartbeats', '2s')
    .option('--check <url>', 'what has to answer before each heartbeat; the probe of the region file where absent')
    .option('--check-status <status>', 'the one status that counts as well', parseStatus)
    .option('--no-check', 'do not check the service')
    .option('--metrics <url>', "the service's Prometheus endpoint")
    .option('--metrics-mapping <name or file>', 'what its metrics mean: generic, vllm, or a file', 'generic')
    .option('--cgroup <path>', 'control group of the service, as in /proc/<pid>/cgroup; that of the agent where absent')
    .option('--drain-limit <duration>', 'wait so long for requests in flight', '25s')
    .option('--no-drain', 'deregister without waiting')
    .addHelpText('after', '\nThe first signal drains the region, a second one does not wait.')
    .action(async options => (await import('./agent.ts')).runAgent(options, terminal))
}

function parseStatus(text: string): number {
  if (/^[1-5]\d\d$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected an HTTP status from 100 to 599.')
}
