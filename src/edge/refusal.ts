/** What a region's answer says of how busy it is: 429 (RFC 6585 §4), and 503 with Retry-After (RFC 9110 §10.2.3). */

import type { Random } from '../clock.ts'
import type { Fields } from './exchange.ts'

/** What is believed of a Retry-After, and what stands for none, ms. */
const leastWaitMs = 1_000
const mostWaitMs = 60_000

/**
 * How long a region that answered so wants to be spared: what it says, within bounds, a quarter more or less, so that routers
 * that were refused together do not come back together.
 *
 * @param now ms since 1970, for a Retry-After that is a date
 * @returns ms; undefined where the answer is no refusal
 */
export function refusalMs(status: number, fields: Fields, now: number, random: Random): number | undefined {
  if (status !== 429 && status !== 503) return undefined
  const asked = retryAfterMs(fields, now)
  if (asked === undefined && status === 503) return undefined
  return Math.min(mostWaitMs, Math.max(leastWaitMs, asked ?? 0)) * (0.75 + random() / 2)
}

function retryAfterMs(fields: Fields, now: number): number | undefined {
  const at = fields.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'retry-after')
  const value = fields[at + 1]?.trim()
  if (at < 0 || value === undefined) return undefined
  if (/^\d{1,9}$/.test(value)) return 1_000 * Number(value)
  // An HTTP date begins with its weekday; Date.parse takes much else for one.
  const date = /^[A-Za-z]/.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
