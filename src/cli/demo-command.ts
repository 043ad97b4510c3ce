/** The command line of `meridian demo`. */

import { Command, InvalidArgumentError } from 'commander'
import type { Terminal } from './terminal.ts'

export function demoCommand(terminal: Terminal): Command {
  return new Command('demo')
    .description('start the example fleet on this machine, and print what to try')
    .option('--regions <folder>', 'folder with region files; the example fleet where absent')
    .option('--http-port <port>', 'port for clients', parsePort, 8080)
    .option('--control-port <port>', 'port of the control API', parsePort, 8081)
    .option('--region-ports <port>', 'port of the first region; the others follow', parsePort, 9101)
    .addHelpText('after', '\nA port that is taken is replaced by a free one.')
    .action(async ({ regions, httpPort, controlPort, regionPorts }) => {
      const { runDemo } = await import('./demo/run-demo.ts')
      await runDemo(regions, { http: httpPort, control: controlPort, regions: regionPorts }, terminal)
    })
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError('Expected a port from 0 to 65535.')
}
