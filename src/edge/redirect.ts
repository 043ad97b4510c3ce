/** Transport `redirect`: sends the client to the region itself. */

import type { Region } from '../regions/region.ts'
import { type Answer, noStore } from './answer.ts'

/**
 * `Location` is the region's public URL with the original path and query byte for byte. The URL is a scheme and an
 * authority and what follows begins with `/`, so no request can point it anywhere else.
 *
 * @param pathAndQuery of an origin-form or absolute-form target
 */
export function redirectAnswer(status: number, region: Region, pathAndQuery: string): Answer {
  const location = region.endpoints.publicUrl + pathAndQuery
  return {
    status,
    fields: ['Location', location, ...noStore, 'Content-Type', 'text/plain; charset=utf-8'],
    body: `${region.name} (${region.id}) serves you: ${location}\n`,
  }
}
