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

/** What passes, or what whoever looks after Redis can mend; the client library speaks of its own options, Redis of scripts. */
const meanings: readonly (readonly [said: RegExp, meaning: string])[] = [
  [
    /^(?:Stream isn't writeable|Connection is closed|the connection was closed)/,
    'not connected; it is tried again by itself',
  ],
  [
    /^(?:Command timed out|Socket timeout|connect ETIMEDOUT)/,
    'no answer came in time (timed out); look at its load and the network',
  ],
  [/ECONNREFUSED/, 'connection refused (ECONNREFUSED); is it running there?'],
  [/^(?:getaddrinfo )?ENOTFOUND/, 'there is no host of this name'],
  [/^OOM /, 'its memory is full (OOM); raise maxmemory, or remove what else is kept there'],
  [/^LOADING /, 'it is still loading its data'],
  [/^READONLY /, 'it is a replica, which takes no writes; name the primary'],
  [/^MISCONF /, 'it takes no writes since it cannot save to its disk; its log says why'],
]

/** @returns STORE_UNSUITABLE where only an operator can mend it, else STORE_UNAVAILABLE; with where Redis is, and its words */
export function refusal(nodes: readonly Node[], cause: Error): MeridianError {
  const reason = cause.message === '' ? ((cause as NodeJS.ErrnoException).code ?? 'no reason given') : cause.message
  const mend = mends.find(([said]) => said.test(reason))?.[1]
  if (mend !== undefined) {
    const message = `Redis at ${placeOf(nodes)} refuses this router: ${reason}; ${mend}`
    return new MeridianError('STORE_UNSUITABLE', message, { cause })
  }
  const meaning = meanings.find(([said]) => said.test(reason))?.[1] ?? withoutScript(reason)
  return new MeridianError('STORE_UNAVAILABLE', `Redis at ${placeOf(nodes)} did not take the command: ${meaning}`, {
    cause,
  })
}

/** The hash of a script and a line in it mean nothing to an operator. */
function withoutScript(reason: string): string {
  return reason.replace(/\.? script: [0-9a-f]{40}.*$/, '')
}

interface Node {
  readonly host: string
  readonly port: number
}

function placeOf(nodes: readonly Node[]): string {
  return nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ')
}
