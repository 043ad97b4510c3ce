/** What TLS towards a control API needs, read from the files that a command names. */

import { readFileSync } from 'node:fs'
import { Agent, buildConnector, fetch } from 'undici'
import { unreadable } from '../errors.ts'
import type { TlsOptions } from './control-options.ts'

export interface ControlTls {
  /** PEM texts. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** @throws MeridianError FILE_UNREADABLE */
export function readControlTls({ ca, clientCert, clientKey }: TlsOptions): ControlTls {
  return {
    ...(ca !== undefined && { ca: readPem('--ca', ca) }),
    ...(clientCert !== undefined && { cert: readPem('--client-cert', clientCert) }),
    ...(clientKey !== undefined && { key: readPem('--client-key', clientKey) }),
  }
}

/**
 * A `fetch` that connects with these files; undefined where none is named. They are read again for every connection, so that
 * a certificate is renewed by writing it.
 *
 * @throws MeridianError FILE_UNREADABLE
 */
export function fetchWithTls(files: TlsOptions): typeof globalThis.fetch | undefined {
  const first = readControlTls(files)
  if (Object.keys(first).length === 0) return undefined
  const connect: buildConnector.connector = (options, callback) => {
    try {
      buildConnector({ ...readControlTls(files) })(options, callback)
    } catch (error) {
      callback(error as Error, null)
    }
  }
  const dispatcher = new Agent({ connect })
  // The same function as the one that Node.js has built in, but for the names of its types.
  return ((url: string | URL, init: object) =>
    fetch(url, { ...init, dispatcher })) as unknown as typeof globalThis.fetch
}

function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, cause, option)
  }
}
