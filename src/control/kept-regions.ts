/**
 * Regions that somebody keeps registered: whatever else is said of them, their agent says its own again a moment later.
 *
 * Who calls on an operator's behalf asks to be refused then; an agent does not ask, since it may have restarted.
 */

import { isDeepStrictEqual } from 'node:util'
import Type, { type Static } from 'typebox'
import { MeridianError } from '../errors.ts'
import type { Region } from '../regions/region.ts'
import type { FleetRecord } from '../regions/store.ts'
import { shown } from '../schema.ts'

/** Query of the calls that an agent would undo. */
export const UnlessKept = Type.Object(
  {
    unlessKept: Type.Unsafe<'true' | 'false'>(
      Type.String({
        enum: ['true', 'false'],
        default: 'false',
        description: 'true: refuse with 409 what the agent of the region, which sends heartbeats, would undo',
      }),
    ),
  },
  { additionalProperties: false },
)

/**
 * @param after what is asked for; undefined: that it goes
 * @throws MeridianError REGION_KEPT where that is asked for and somebody sends heartbeats for another specification
 */
export function requireNotKept(
  { unlessKept }: Static<typeof UnlessKept>,
  { record, now }: { readonly record: FleetRecord | undefined; readonly now: number },
  after: Region | undefined,
): void {
  if (unlessKept === 'false' || record?.load === undefined || record.lease === undefined) return
  const { region, lease, load } = record
  if (lease.expiresAt <= now || isDeepStrictEqual(region, after)) return
  const seconds = (Math.max(0, now - load.receivedAt) / 1_000).toFixed(1)
  const agent = `its agent (last heartbeat ${seconds} s ago), which would undo this`
  const mend = after === undefined ? 'stop the agent' : "change the agent's region file, or stop it"
  throw new MeridianError('REGION_KEPT', `region ${shown(region.id)} is kept by ${agent}: ${mend}`)
}
