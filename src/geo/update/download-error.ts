/** A download that failed, and whether it makes sense to try again by itself. Never carries a secret or a signed URL. */

import { type ErrorCode, MeridianError } from '../../errors.ts'

export interface Retry {
  /** Whether the same request may well succeed later. */
  readonly retryable: boolean
  /** What the server asked for, in ms. */
  readonly retryAfterMs?: number | undefined
}

export class DownloadError extends MeridianError {
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined

  constructor(code: ErrorCode, message: string, { retryable, retryAfterMs }: Retry) {
    super(code, message)
    this.retryable = retryable
    this.retryAfterMs = retryAfterMs
  }
}

/** How long to wait: what the server asked for where it did; no time at all where trying again by itself is useless. */
export function retryOf(error: unknown): Retry {
  if (error instanceof DownloadError) return error
  return { retryable: false }
}
