/** `meridian tokens`: makes bearer tokens for the control API. Nothing is kept: the configuration knows the hash only. */

import { createHash, randomBytes } from 'node:crypto'
import { Command } from 'commander'
import { type Right, rights, Settings } from '../config/schema.ts'
import { MeridianError } from '../errors.ts'
import { checker, formatFault } from '../schema.ts'
import type { Terminal } from './terminal.ts'

const checkToken = checker(Settings.properties.control.properties.tokens.items)

export function tokensCommand(terminal: Terminal): Command {
  const create = new Command('create')
    .description('make a token: printed once, and the entry for control.tokens')
    .argument('<name>', 'who will use it, as it stands in logs and drains')
    .option('--rights <rights>', `what it allows, of ${rights.join(',')}`, rights.join(','))
    .option('--json', 'as JSON')
    .action((name: string, options: { rights: string; json?: boolean }) => createToken(name, options, terminal))
  return new Command('tokens').helpCommand(false).description('make tokens for the control API').addCommand(create)
}

function createToken(name: string, options: { rights: string; json?: boolean }, { print, paint }: Terminal): void {
  const token = `mrd_${randomBytes(32).toString('base64url')}`
  const entry = { name, sha256: createHash('sha256').update(token).digest('hex'), rights: readRights(options.rights) }
  const checked = checkToken(entry)
  if (!checked.ok) {
    const faults = checked.faults.map(formatFault)
    throw new MeridianError('REQUEST_INVALID', `the token: ${faults.join('; ')}`, { faults })
  }
  if (options.json) {
    print(JSON.stringify({ token, entry }))
    return
  }
  print(
    paint('dim', '# The token, shown this once: keep it where its user finds it (MERIDIAN_TOKEN).'),
    token,
    '',
    paint('dim', '# The entry for the configuration, under control.tokens:'),
    `- { name: ${name}, sha256: ${entry.sha256}, rights: [${entry.rights.join(', ')}] }`,
  )
}

function readRights(text: string): Right[] {
  return text.split(',').map(right => right.trim()) as Right[]
}
