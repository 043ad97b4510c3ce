/**
 * Tokens of the control API that were made while the fleet runs, and therefore live where the fleet lives.
 *
 * Only hashes are stored. Several tokens of one name are valid at once, so that a holder can change from one to the next.
 */

import Type, { type Static } from 'typebox'

/** What a token allows: reading, speaking for a region (register, heartbeat), or an operator's word (drain, remove). */
export const rights = ['read', 'report', 'operator'] as const
export type Right = (typeof rights)[number]

export const StoredToken = Type.Object(
  {
    /** Tells tokens of one name apart; public. */
    id: Type.String({ minLength: 1, maxLength: 64 }),
    /** Who holds it. */
    name: Type.String({ minLength: 1, maxLength: 63 }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    rights: Type.Unsafe<Right[]>(Type.Array(Type.String({ enum: [...rights] }), { minItems: 1 })),
    /** Globs over region ids: `*`, `edge-*`. */
    regions: Type.Array(Type.String({ minLength: 1, maxLength: 63 }), { minItems: 1 }),
    /** Milliseconds since 1970. */
    createdAt: Type.Number(),
    /** Milliseconds since 1970; absent: until it is revoked. */
    expiresAt: Type.Optional(Type.Number()),
  },
  { additionalProperties: false },
)

export type StoredToken = Readonly<Static<typeof StoredToken>>

export interface TokenStore {
  /** All, expired ones too, ordered by name, then by when they were made. */
  list(): Promise<readonly StoredToken[]>
  /** A token of the same id is replaced. */
  add(token: StoredToken): Promise<void>
  /** False when there is no token of this id. */
  revoke(id: string): Promise<boolean>
}

export function byNameAndAge(a: StoredToken, b: StoredToken): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  return a.createdAt - b.createdAt
}
