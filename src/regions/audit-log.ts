/** Who changed what in the fleet: append-only, and bounded, so that it can be left alone. */

import Type, { type Static } from 'typebox'

/** Entries kept, roughly; the oldest go first. */
export const auditLimit = 10_000

export const AuditEntry = Type.Object(
  {
    /** Milliseconds since 1970. */
    at: Type.Number(),
    who: Type.String(),
    /** What was asked for: `register`, `drain`, `mode`. */
    action: Type.String(),
    region: Type.Optional(Type.String()),
    before: Type.Optional(Type.Unknown()),
    after: Type.Optional(Type.Unknown()),
    /** `done`, or the code of the error it ended with. */
    outcome: Type.String(),
  },
  { additionalProperties: false },
)

export type AuditEntry = Readonly<Static<typeof AuditEntry>>

export interface AuditLog {
  append(entry: AuditEntry): Promise<void>
  /**
   * At most `count` entries, the newest first.
   *
   * @param region only what concerns it
   */
  latest(count: number, region?: string): Promise<readonly AuditEntry[]>
}
