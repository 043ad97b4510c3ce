/** `meridian serve`: runs a router until it is told to stop. */

import { loadConfig } from '../config/config.ts'
import { startMeridian } from '../runtime/meridian.ts'
import { takeStopSignal } from './stop-signals.ts'
import type { Terminal } from './terminal.ts'

export async function serve(file: string | undefined, { complain, environment }: Terminal): Promise<void> {
  const config = loadConfig(file, environment)
  const stopSignal = takeStopSignal()
  const meridian = await startMeridian(config)
  complain(`meridian: serves clients on ${meridian.dataUrls.join(' and ')}, its control API on ${meridian.controlUrl}`)
  complain(`meridian: ${await stopSignal}, finishing what is under way`)
  const { cutExchanges } = await meridian.close()
  complain(`meridian: stopped${cutExchanges > 0 ? `; ${cutExchanges} exchanges were cut` : ''}`)
}
