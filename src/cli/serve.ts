/** `meridian serve`: runs a router until it is told to stop; SIGHUP takes changed files into use. */

import { loadConfig } from '../config/config.ts'
import { startMeridian } from '../runtime/meridian.ts'
import { leaveStopped, takeStopSignal } from './stop-signals.ts'
import type { Terminal } from './terminal.ts'

export async function serve(file: string | undefined, { complain, environment }: Terminal): Promise<void> {
  const configSource = { file, read: () => loadConfig(file, environment) }
  const config = configSource.read()
  const stopSignal = takeStopSignal(signal => complain(`meridian: ${signal} again, so what is under way is cut`))
  // From the beginning: a SIGHUP during the start must not end the process.
  let reload = (): void => {}
  process.on('SIGHUP', () => reload())
  const meridian = await startMeridian(config, { configSource })
  reload = () => void meridian.reload()
  complain(`meridian: serves clients on ${meridian.dataUrls.join(' and ')}, its control API on ${meridian.controlUrl}`)
  complain(`meridian: ${await stopSignal}, finishing what is under way`)
  const { cutExchanges } = await meridian.close()
  complain(`meridian: stopped${cutExchanges > 0 ? `; ${cutExchanges} exchanges were cut` : ''}`)
  leaveStopped()
}
