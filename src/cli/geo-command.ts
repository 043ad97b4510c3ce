/** The command line of `meridian geo`. */

import { Command } from 'commander'
import type { Terminal } from './terminal.ts'

export function geoCommand(terminal: Terminal): Command {
  const lookup = new Command('lookup')
    .description('where an address is, and how far around it that answer holds')
    .argument('<ip>', 'address to look up')
    .option('--raw', 'the whole record, as each database has it')
    .action(async (ip, options) => (await import('./geo.ts')).lookUp(ip, options, terminal))
  const info = new Command('info')
    .description('which databases are in use, how old and how large they are')
    .action(async options => (await import('./geo.ts')).describeSources(options, terminal))
  const group = new Command('geo')
    .helpCommand(false)
    .description('look addresses up, without a running router; update the databases')
  for (const command of [lookup, info]) {
    command
      .option('-c, --config <file>', 'databases and overrides of this configuration')
      .option('--database <file>', 'this database; may be repeated, the first that knows wins', collect)
      .option('--json', 'as JSON')
      .addHelpText('after', '\nWithout --config and --database the embedded database is asked.')
    group.addCommand(command)
  }
  return group.addCommand(updateCommand(terminal))
}

function updateCommand(terminal: Terminal): Command {
  return new Command('update')
    .description('fetch newer databases from MaxMind (geo.update); a running router takes them up by itself')
    .option('-c, --config <file>', 'configuration with account, license key, editions and files')
    .option('--force', 'even if they have not changed')
    .option('--json', 'as JSON')
    .action(async options => (await import('./geo-update.ts')).updateDatabases(options, terminal))
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}
