/** `meridian serve`: runs a router until it is told to stop. */

import { Command } from 'commander'
import { loadConfig } from '../config/config.ts'
import { takeStopSignal } from './stop-signals.ts'
import type { Terminal } from './terminal.ts'

export function serveCommand(terminal: Terminal): Command {
  return new Command('serve')
    .description('run a router until SIGINT or SIGTERM')
    .option('-c, --config <file>', 'configuration file; without it the environment and defaults alone')
    .addHelpText('after', '\nThe first signal lets requests under way finish (up to 10 s), a second one does not wait.')
    .action(({ config }: { config?: string }) => serve(config, terminal))
}

async function serve(file: string | undefined, { complain, environment }: Terminal): Promise<void> {
  const { startMeridian } = await import('../runtime/meridian.ts')
  const config = loadConfig(file, environment)
  const stopSignal = takeStopSignal()
  const meridian = await startMeridian(config)
  complain(`meridian: serves clients on ${meridian.dataUrls.join(' and ')}, its control API on ${meridian.controlUrl}`)
  complain(`meridian: ${await stopSignal}, finishing what is under way`)
  const { cutExchanges } = await meridian.close()
  complain(`meridian: stopped${cutExchanges > 0 ? `; ${cutExchanges} exchanges were cut` : ''}`)
}
