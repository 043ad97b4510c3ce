/** Reads what the control API needs to speak TLS. */

import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { ControlTls } from '../config/config.ts'
import type { TlsMaterial } from '../control/dependencies.ts'
import { MeridianError, unreadable } from '../errors.ts'

/** @throws MeridianError FILE_UNREADABLE; CONFIG_INVALID when the files do not go together */
export async function readControlTls(tls: ControlTls | undefined): Promise<TlsMaterial | undefined> {
  if (tls === undefined) return undefined
  const [cert, key, clientCa] = await Promise.all([
    readPem('cert', tls.cert),
    readPem('key', tls.key),
    tls.clientCa === undefined ? undefined : readPem('clientCa', tls.clientCa),
  ])
  try {
    createSecureContext({ cert, key, ca: clientCa })
  } catch (cause) {
    throw new MeridianError('CONFIG_INVALID', `control.tls: the files cannot be used: ${(cause as Error).message}`, {
      cause,
    })
  }
  return { cert, key, clientCa }
}

async function readPem(key: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw unreadable(file, cause, `control.tls.${key}`)
  }
}
