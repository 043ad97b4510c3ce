/**
 * `meridian tokens`: bearer tokens for the control API, made by a running router, or by hand for its configuration. Neither
 * keeps the token itself.
 */

import { createHash, randomBytes } from 'node:crypto'
import type { Token } from '../config/config.ts'
import { Settings } from '../config/schema.ts'
import type { NewToken, TokenView } from '../control/token-routes.ts'
import { MeridianError } from '../errors.ts'
import { checker, formatFault, shown } from '../schema.ts'
import { askControl } from './control-client.ts'
import type { ControlOptions } from './control-options.ts'
import { leftAligned, renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'

export interface CreateOptions extends ControlOptions {
  /** All where absent. */
  readonly rights?: readonly string[]
  readonly regions?: readonly string[]
  /** `90d`, `12h`, `30m`, or the last day: `2027-01-31`. */
  readonly expires?: string
  readonly offline?: boolean
}

const width = 120
const mostDays = 3_660
const secondsPer: Readonly<Record<string, number>> = { m: 60, h: 3_600, d: 86_400 }
const checkEntry = checker(Settings.properties.control.properties.tokens.items)

export async function createToken(name: string, options: CreateOptions, terminal: Terminal): Promise<void> {
  const { rights, regions } = options
  const terms = { name, rights, regions, expiresInSeconds: parseExpiry(options.expires) }
  // Made in any case: what is wrong with the terms is said before anybody is asked.
  const made = makeEntry(terms)
  if (options.offline) return printEntry(made, options, terminal)
  const request = { method: 'POST', path: 'v1/tokens', body: terms, answerKey: 'token' } as const
  const created = (await askControl(options, request)) as NewToken
  const { print, paint } = terminal
  if (options.json) return print(JSON.stringify(created))
  const { token, entry } = created
  print(
    paint('dim', '# The token, shown this once: keep it where its user finds it (MERIDIAN_TOKEN).'),
    token,
    '',
    paint('dim', `# ${entry.id}: ${entry.rights.join(', ')} for ${entry.regions.join(', ')}, ${endWords(entry)}`),
  )
}

export async function listTokens(options: ControlOptions, { print, paint }: Terminal): Promise<void> {
  const answer = (await askControl(options, { path: 'v1/tokens', answerKey: 'tokens' })) as {
    readonly tokens: readonly TokenView[]
  }
  if (options.json) return print(JSON.stringify(answer))
  if (answer.tokens.length === 0) return print('There is no token: none in control.tokens, and none was made.')
  const rows = answer.tokens.map(token => [
    ...[
      token.name,
      token.id ?? `configuration, sha256 ${token.sha256Start}…`,
      token.rights.join(', '),
      token.regions.join(', '),
    ],
    { text: endWords(token), style: token.expired ? ('red' as const) : undefined },
  ])
  print(...renderTable(leftAligned('name', 'id', 'rights', 'regions', 'valid'), rows, width, paint))
}

export async function revokeToken(id: string, options: ControlOptions, { print }: Terminal): Promise<void> {
  await askControl(options, { method: 'DELETE', path: `v1/tokens/${encodeURIComponent(id)}` })
  print(options.json ? JSON.stringify({ revoked: id }) : `token ${id} is revoked`)
}

function printEntry({ token, entry }: Made, { json }: CreateOptions, { print, paint }: Terminal): void {
  if (json) {
    print(JSON.stringify({ token, entry }))
    return
  }
  const { sha256, expires } = entry
  const more = [
    ...(entry.regions.includes('*') ? [] : [`regions: [${entry.regions.map(glob => `"${glob}"`).join(', ')}]`]),
    ...(expires === undefined ? [] : [`expires: ${expires}`]),
  ]
  const fields = [`name: ${entry.name}`, `sha256: ${sha256}`, `rights: [${entry.rights.join(', ')}]`, ...more]
  print(
    paint('dim', '# The token, shown this once: keep it where its user finds it (MERIDIAN_TOKEN).'),
    token,
    '',
    paint('dim', '# The entry for the configuration, under control.tokens:'),
    `- { ${fields.join(', ')} }`,
  )
}

interface Terms {
  readonly name: string
  readonly rights?: readonly string[] | undefined
  readonly regions?: readonly string[] | undefined
  readonly expiresInSeconds?: number | undefined
}

/** A token for its user alone, and its entry for `control.tokens`. */
interface Made {
  readonly token: string
  readonly entry: Token
}

/** @throws MeridianError REQUEST_INVALID with every fault of name, rights and regions */
function makeEntry({ name, rights, regions, expiresInSeconds }: Terms): Made {
  const token = `mrd_${randomBytes(32).toString('base64url')}`
  const sha256 = createHash('sha256').update(token).digest('hex')
  const end = expiresInSeconds === undefined ? undefined : new Date(Date.now() + 1000 * expiresInSeconds)
  const entry = checkEntry({
    ...{ name, sha256 },
    ...(rights !== undefined && { rights }),
    ...(regions !== undefined && { regions }),
    ...(end !== undefined && { expires: end.toISOString().replace(/\.\d+Z$/, 'Z') }),
  })
  if (entry.ok) return { token, entry: entry.value }
  const faults = entry.faults.map(formatFault)
  throw new MeridianError('REQUEST_INVALID', `the token: ${faults.join('; ')}`, { faults })
}

function parseExpiry(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, count, unit] = /^([1-9]\d{0,3})([mhd])$/.exec(text) ?? []
  if (count !== undefined) return Number(count) * secondsPer[unit!]!
  const end = endOfDay(text)
  const seconds = end === undefined ? 0 : Math.round((end - Date.now()) / 1000)
  if (seconds > 0 && seconds <= mostDays * 86_400) return seconds
  throw new MeridianError(
    'REQUEST_INVALID',
    `--expires: expected minutes, hours or days (30m, 12h, 90d), or the last day (2027-01-31), within ten years from now, not ${shown(text)}`,
  )
}

/** In ms since 1970, of a day in UTC, which counts whole; undefined for what is none. */
function endOfDay(text: string): number | undefined {
  const start = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN
  // Some engines roll 30 February over into March.
  return Number.isNaN(start) || !new Date(start).toISOString().startsWith(text) ? undefined : start + 86_400_000
}

function endWords({ expired, expiresAt }: TokenView): string {
  if (expiresAt === undefined) return 'until it is revoked'
  return `${expired ? 'expired' : 'until'} ${new Date(expiresAt).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
