/**
 * What Redis' own words mean for an operator: something to wait for, or something to mend. A password is never among them.
 */

import { MeridianError } from '../errors.ts'

const mends: readonly (readonly [said: RegExp, mend: string])[] = [
  [
    /^(?:WRONGPASS|NOAUTH|NOPERM|ERR (?:DB index|invalid password|Client sent AUTH|AUTH <password>))/,
    'look at user, password, rights and database number in the section redis',
  ],
  [
    /sentinel .* because (?:WRONGPASS|NOAUTH|NOPERM|ERR AUTH <password>)/,
    'look at redis.sentinelUsername and redis.sentinelPassword',
  ],
  [
    /^(?:connected|failed to connect) to sentinel .*(?:invalid reply: null|No such master)/,
    'no master has this name there: look at redis.sentinelName',
  ],
  [/^failed to connect to sentinel .* unknown command/, 'this is no Sentinel: name the server itself as redis.url'],
  [/^ERR This instance has cluster support disabled/, 'this is no Cluster: name the server as redis.url'],
  [/^MOVED /, 'this is a node of a Cluster: name it, with some others, as redis.cluster'],
]

/** @returns STORE_UNSUITABLE where only an operator can mend it, else STORE_UNAVAILABLE; with where Redis is, and its words */
export function refusal(nodes: readonly Node[], cause: Error): MeridianError {
  const reason = cause.message === '' ? ((cause as NodeJS.ErrnoException).code ?? 'no reason given') : cause.message
  const mend = mends.find(([said]) => said.test(reason))?.[1]
  if (mend !== undefined) {
    const message = `Redis at ${placeOf(nodes)} refuses this router: ${reason}; ${mend}`
    return new MeridianError('STORE_UNSUITABLE', message, { cause })
  }
  return new MeridianError('STORE_UNAVAILABLE', `Redis at ${placeOf(nodes)} did not take the command: ${reason}`, {
    cause,
  })
}

interface Node {
  readonly host: string
  readonly port: number
}

function placeOf(nodes: readonly Node[]): string {
  return nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')
}
