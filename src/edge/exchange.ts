/**
 * One HTTP exchange as the data plane sees it, whatever engine reads and writes the bytes.
 *
 * Header fields travel as flat lists (name, value, name, value …), which keep order, case and repeated lines. Deciding,
 * header rewriting and failover are written against these interfaces; `node-exchange.ts` is the only file that knows how
 * `node:http` does it.
 */

/** Header fields as they came or will go: name, value, name, value … */
export type Fields = readonly string[]

export interface EdgeRequest {
  readonly method: string
  /** Request target (RFC 9112 §3.2), byte for byte. */
  readonly target: string
  /** `1.0` or `1.1`. */
  readonly httpVersion: string
  readonly fields: Fields
  /** Address text of the peer on the socket, empty where it has left already. */
  readonly peer: string
  readonly scheme: 'http' | 'https'
  /** Whether a body was announced, be it empty. */
  readonly hasBody: boolean
  /** Value of a field by lower-case name; several lines are joined by `, `. */
  field(name: string): string | undefined
  /**
   * The body as it arrives, read once. Nothing is read (and no `100 Continue` sent) before the first chunk is asked for,
   * so until then the request can still go to another origin.
   */
  body(): AsyncIterable<Uint8Array>
}

export interface EdgeResponse {
  /** Whether the final status and its fields were given to `start`. */
  readonly started: boolean
  /** Body bytes written so far. */
  readonly bodyBytes: number
  /** An interim answer (1xx); left out where the client's protocol version knows none. */
  inform(status: number, fields: Fields): void
  start(status: number, fields: Fields): void
  /** @returns false when the client is slower than the origin: write again after `onDrain` */
  write(chunk: Uint8Array): boolean
  end(body?: string, trailers?: Fields): void
  /** Breaks the connection, so that the client sees that the answer is not whole. */
  cut(): void
  onDrain(callback: () => void): void
  /** Calls back once: the answer was handed over whole, or the connection is gone. */
  onClose(callback: (whole: boolean) => void): void
}

/** The elements of a comma-separated field value, trimmed and in lower case; empty ones are left out (RFC 9110 §5.6.1). */
export function listOf(value: string | undefined): string[] {
  if (value === undefined) return []
  return value
    .split(',')
    .map(element => element.trim().toLowerCase())
    .filter(element => element !== '')
}
