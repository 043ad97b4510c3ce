/**
 * What the router writes down: one JSON object a line, on standard output unless told otherwise.
 *
 * Every line has `time` (ISO 8601, UTC), `level` and `msg`. An exchange is one line with `msg: "exchange"` and the fields of
 * `AccessLine`; clients are shortened to their network there unless the operator wants whole addresses.
 */

import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino'
import { type ClientAddress, formatAddress, isMapped } from '../geo/address.ts'
import { formatNetwork, networkOf } from '../geo/network.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** `shortened`: IPv4 to its /24, IPv6 to its /48, so that a line leads to a network but to no person. */
export type AddressDetail = 'shortened' | 'full'

export interface LogSettings {
  readonly level: LogLevel
  /** Stand on every line, such as the id of the router. */
  readonly fields?: Readonly<Record<string, string | number>>
}

/** What is told of an exchange; a record of the data plane fits. */
export interface AccessRecord {
  readonly requestId: string
  readonly client: ClientAddress
  readonly method: string
  readonly host: string
  readonly path: string
  readonly rule?: string | undefined
  readonly transport?: string | undefined
  readonly region?: string | undefined
  readonly reason?: string | undefined
  readonly degraded?: boolean | undefined
  readonly tries: number
  readonly status: number
  readonly whole: boolean
  readonly bodyBytes: number
  readonly durationMs: number
  readonly errorCode?: string | undefined
}

/**
 * The fields of an access line beside `time`, `level` and `msg`. What is not known is left out: a request that was refused
 * has no rule, one without a region no region. `status` 0: the client left before an answer began.
 */
export interface AccessLine extends Omit<AccessRecord, 'client'> {
  /** `192.0.2.7`, or `192.0.2.0/24` where shortened. */
  readonly client: string
}

/** Characters that wait at most for a reader of the log that has fallen behind. */
const maxWaitingCharacters = 16 * 1024 * 1024

/**
 * Standard output is written in the background, so that a slow reader of it holds up no request. Lines beyond what may wait
 * are dropped, and counted in a line once there is room again. The rest is written before the process exits.
 *
 * @param destination where lines go instead
 */
export function createLogger({ level, fields = {} }: LogSettings, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: fields,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (destination !== undefined) return pino(options, destination)
  const output = pino.destination({ dest: 1, sync: false, maxLength: maxWaitingCharacters })
  const logger = pino(options, output)
  let dropped = 0
  output.on('drop', () => {
    dropped++
  })
  output.on('drain', () => {
    if (dropped === 0) return
    const lines = dropped
    dropped = 0
    logger.warn({ lines }, 'lines of the log were dropped: their reader was too slow')
  })
  return logger
}

/** Writes access lines at level info, and at level warn where the router itself had to answer with a 5xx. */
export function createAccessLog(logger: Logger, detail: AddressDetail): (record: AccessRecord) => void {
  return record => {
    const line: AccessLine = {
      ...record,
      client: shownAddress(record.client, detail),
      durationMs: Math.round(record.durationMs * 1_000) / 1_000,
    }
    if (record.errorCode !== undefined && record.status >= 500) logger.warn(line, 'exchange')
    else logger.info(line, 'exchange')
  }
}

/** A client's address as it may be written down. */
export function shownAddress(address: ClientAddress, detail: AddressDetail): string {
  if (detail === 'full') return formatAddress(address)
  // A mapped address is an IPv4 one: its first 48 bits say nothing.
  const bits = address.family === 4 ? 24 : isMapped(address) ? 120 : 48
  return formatNetwork(networkOf(address, bits))
}
