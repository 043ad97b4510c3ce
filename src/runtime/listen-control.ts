/** Opens the listener of the control API. */

import type { ControlServer } from '../control/dependencies.ts'
import { MeridianError } from '../errors.ts'

/**
 * @returns its URL, as really bound
 * @throws MeridianError LISTEN_FAILED
 */
export async function listenControl(
  app: ControlServer,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<string> {
  try {
    return await app.listen({ host: address, port, listenTextResolver: url => `the control API listens on ${url}` })
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'EADDRINUSE'
        ? 'another program listens there'
        : (cause as Error).message
    const mend = 'choose another address or port in control.listen, or stop that program'
    throw new MeridianError(
      'LISTEN_FAILED',
      `the control API cannot listen on ${address} port ${port}: ${reason}; ${mend}`,
      { cause },
    )
  }
}
