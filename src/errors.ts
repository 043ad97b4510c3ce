/**
 * Faults, as opposed to expected outcomes: one error class, and the catalogue of everything that can go wrong.
 *
 * A message names the value, says what was expected and how to mend it. A fault is logged once, at the edge; HTTP
 * answers it as a problem document (RFC 9457) and the command line exits with the code given here (sysexits.h).
 */

interface CatalogueEntry {
  /** Short and constant: the `title` of a problem document. */
  readonly title: string
  /** HTTP status when a request runs into it. */
  readonly status: number
  /** Exit code of a command that ends with it. */
  readonly exit: number
}

export const errorCatalogue = {
  CONFIG_INVALID: { title: 'The configuration is not valid', status: 500, exit: 78 },
  FILE_UNREADABLE: { title: 'A file could not be read', status: 500, exit: 66 },
  FILE_UNWRITABLE: { title: 'A file could not be written', status: 500, exit: 73 },
  GEO_DATABASE_INVALID: { title: 'The geo database is broken', status: 500, exit: 65 },
  GEO_UPDATE_FAILED: { title: 'The geo database could not be updated', status: 502, exit: 69 },
  GEO_UPDATE_REFUSED: { title: 'The account may not download the geo database', status: 502, exit: 77 },
  OVERRIDES_INVALID: { title: 'The overrides file is not valid', status: 500, exit: 78 },
  SCENARIO_INVALID: { title: 'The scenario is not valid', status: 400, exit: 65 },
  REGION_INVALID: { title: 'The region is not valid', status: 400, exit: 65 },
  REGION_UNKNOWN: { title: 'There is no such region', status: 404, exit: 66 },
  ENDPOINT_FORBIDDEN: { title: 'The endpoint is not among the allowed ones', status: 403, exit: 77 },
  REGION_KEPT: { title: 'The region is kept by its agent', status: 409, exit: 65 },
  FLEET_FULL: { title: 'The fleet has as many regions as it may', status: 507, exit: 75 },
  REGION_CHANGED: { title: 'The region has changed meanwhile', status: 412, exit: 65 },
  REPORT_INVALID: { title: 'The load report is not valid', status: 400, exit: 65 },
  REPORT_OUTDATED: { title: 'The report is older than the one known', status: 409, exit: 65 },
  ADDRESS_INVALID: { title: 'Not an IP address', status: 400, exit: 64 },
  LATENCY_OFF: { title: 'Measured latency is switched off', status: 403, exit: 77 },
  REQUEST_INVALID: { title: 'The request is not valid', status: 400, exit: 64 },
  ROUTE_UNKNOWN: { title: 'There is nothing at this path', status: 404, exit: 64 },
  METHOD_UNSUPPORTED: { title: 'This path does not know the method', status: 405, exit: 64 },
  BODY_TOO_LARGE: { title: 'The body is too large', status: 413, exit: 65 },
  MEDIA_TYPE_UNSUPPORTED: { title: 'The body is not of a type that is read here', status: 415, exit: 65 },
  WRITING_OFF: { title: 'Writing is off', status: 403, exit: 77 },
  TOKEN_MISSING: { title: 'A bearer token is needed', status: 401, exit: 77 },
  TOKEN_UNKNOWN: { title: 'The bearer token is not known', status: 401, exit: 77 },
  TOKEN_REFUSED: { title: 'The bearer token was refused', status: 403, exit: 77 },
  TOKEN_NOT_FOUND: { title: 'There is no such token', status: 404, exit: 66 },
  TOKEN_EXISTS: { title: 'This name has tokens enough', status: 409, exit: 65 },
  HOST_REFUSED: { title: 'The request is for another host', status: 421, exit: 64 },
  RATE_LIMITED: { title: 'Too many requests', status: 429, exit: 75 },
  EVENTS_BUSY: { title: 'Too many clients listen for events', status: 503, exit: 75 },
  DRAIN_UNFINISHED: { title: 'The region is not empty yet', status: 504, exit: 75 },
  URL_TOO_LONG: { title: 'The URL is too long', status: 414, exit: 64 },
  HEADERS_TOO_LARGE: { title: 'The request headers are too large', status: 431, exit: 64 },
  REQUEST_TIMEOUT: { title: 'The request did not arrive in time', status: 408, exit: 64 },
  UPGRADE_UNSUPPORTED: { title: 'This router does not switch protocols', status: 501, exit: 69 },
  NO_REGION: { title: 'No region can serve this request', status: 503, exit: 69 },
  OVERLOADED: { title: 'Every region that may serve this is full', status: 503, exit: 75 },
  REGION_UNREACHABLE: { title: 'No region could be reached', status: 502, exit: 69 },
  REGION_TIMEOUT: { title: 'The region did not answer in time', status: 504, exit: 69 },
  LOOP_DETECTED: { title: 'The request has passed through too many routers', status: 508, exit: 70 },
  STORE_UNAVAILABLE: { title: 'The shared store cannot be reached', status: 503, exit: 69 },
  STORE_UNSUITABLE: { title: 'The shared store cannot be used as it is', status: 503, exit: 78 },
  LISTEN_FAILED: { title: 'A listener could not be opened', status: 500, exit: 71 },
  CONTROL_UNREACHABLE: { title: 'The control API could not be reached', status: 502, exit: 69 },
  INTERNAL: { title: 'Something went wrong inside the router', status: 500, exit: 70 },
  NODE_TOO_OLD: { title: 'This Node.js is too old', status: 500, exit: 70 },
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof errorCatalogue

export class MeridianError extends Error {
  readonly code: ErrorCode
  /** Every fault found, when there were several; each a sentence of its own. */
  readonly faults: readonly string[]

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; faults?: readonly string[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MeridianError'
    this.code = code
    this.faults = options.faults ?? []
  }

  /** The problem document of RFC 9457; `instance` names the request it happened to. */
  toProblem(instance?: string): Problem {
    const { title, status } = errorCatalogue[this.code]
    return {
      type: `urn:meridian-router:error:${this.code.toLowerCase().replaceAll('_', '-')}`,
      title,
      status,
      code: this.code,
      detail: this.message,
      ...(this.faults.length > 0 && { faults: this.faults }),
      ...(instance !== undefined && { instance }),
    }
  }
}

/**
 * Several errors, at least one, as one that has every fault once.
 *
 * Its code is that of all of them; CONFIG_INVALID where they are of several kinds, since what names all those files is the
 * configuration.
 */
export function combineErrors(errors: readonly MeridianError[]): MeridianError {
  const [first] = errors
  if (errors.length === 1) return first!
  const faults = [...new Set(errors.flatMap(faultsInPlace))]
  const code = errors.every(error => error.code === first!.code) ? first!.code : 'CONFIG_INVALID'
  return new MeridianError(code, faults.join('; '), { faults })
}

/** Each fault with what the message says before them all: which file or folder they are in. */
export function faultsInPlace({ message, faults }: MeridianError): readonly string[] {
  if (faults.length === 0) return [message]
  const [heading, rest] = message.split(faults.join('; '))
  return rest === undefined ? faults : faults.map(fault => `${heading}${fault}`)
}

/** What a line of the log says of an error beside its words: a stack only where it is a fault of ours. */
export function logged(error: unknown): object {
  return error instanceof MeridianError ? { code: error.code, reason: error.message } : { err: error }
}

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly faults?: readonly string[]
  readonly instance?: string
}

/** What a newcomer knows nothing of, in words; the path stands before it. */
const fileFaults: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EISDIR: 'it is a folder, not a file',
  EEXIST: 'it is a file, not a folder',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ELOOP: 'its links lead in a circle',
}

/**
 * FILE_UNREADABLE, in the same words wherever a file is read.
 *
 * @param what the file is for, before its path: `the token`; empty where the path says enough
 */
export function unreadable(path: string, cause: unknown, what = ''): MeridianError {
  const name = what === '' ? path : `${what} ${path}`
  return new MeridianError('FILE_UNREADABLE', `cannot read ${name}: ${wordsOf(cause)}`, { cause })
}

/** FILE_UNWRITABLE, in the same words. */
export function unwritable(path: string, cause: unknown): MeridianError {
  return new MeridianError('FILE_UNWRITABLE', `cannot write ${path}: ${wordsOf(cause)}`, { cause })
}

function wordsOf(cause: unknown): string {
  const { code = '', message = String(cause) } = cause as NodeJS.ErrnoException
  return fileFaults[code] ?? message
}
