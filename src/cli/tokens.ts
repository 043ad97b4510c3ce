/** `meridian tokens`: makes bearer tokens for the control API. Nothing is kept: the configuration knows the hash only. */

import { createHash, randomBytes } from 'node:crypto'
import type { Token } from '../config/config.ts'
import { Settings } from '../config/schema.ts'
import { MeridianError } from '../errors.ts'
import { checker, formatFault } from '../schema.ts'
import type { Terminal } from './terminal.ts'

export interface NewToken {
  /** For its user alone. */
  readonly token: string
  /** For `control.tokens`. */
  readonly entry: Token
}

const checkEntry = checker(Settings.properties.control.properties.tokens.items)

/**
 * @param rights all where absent
 * @throws MeridianError REQUEST_INVALID with every fault of name and rights
 */
export function createToken(name: string, rights: readonly string[] | undefined): NewToken {
  const token = `mrd_${randomBytes(32).toString('base64url')}`
  const sha256 = createHash('sha256').update(token).digest('hex')
  const entry = checkEntry({ name, sha256, ...(rights !== undefined && { rights }) })
  if (entry.ok) return { token, entry: entry.value }
  const faults = entry.faults.map(formatFault)
  throw new MeridianError('REQUEST_INVALID', `the token: ${faults.join('; ')}`, { faults })
}

export function printNewToken(
  name: string,
  { rights, json }: { readonly rights?: readonly string[]; readonly json?: boolean },
  { print, paint }: Terminal,
): void {
  const created = createToken(name, rights)
  if (json) {
    print(JSON.stringify(created))
    return
  }
  const { token, entry } = created
  print(
    paint('dim', '# The token, shown this once: keep it where its user finds it (MERIDIAN_TOKEN).'),
    token,
    '',
    paint('dim', '# The entry for the configuration, under control.tokens:'),
    `- { name: ${entry.name}, sha256: ${entry.sha256}, rights: [${entry.rights.join(', ')}] }`,
  )
}
