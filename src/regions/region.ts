/**
 * What a region is: an operator's description of one place that can serve clients.
 *
 * The schema is the single source of the type, of the check at every door and of the API's documentation. What a schema
 * cannot say (URLs without a path, addresses of the right family) is checked in `check-region.ts`.
 */

import Type, { type Static } from 'typebox'
import { hostNamePattern } from './endpoint-url.ts'

/** CDN edge, public cloud, private core; the order is the usual one of a rule, not a law. */
export const tiers = ['edge', 'cloud', 'core'] as const
export type Tier = (typeof tiers)[number]

export const regionIdPattern = '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$'

const strict = { additionalProperties: false }

/** What people read in logs, traces and terminals: a control character in it could forge a line of them. */
const Line = (minLength: number, maxLength: number) =>
  Type.String({
    minLength,
    maxLength,
    pattern: '^[^\\p{Cc}\\u2028\\u2029]*$',
    expected: `${minLength} to ${maxLength} characters on one line`,
  })

export const RegionId = Type.String({
  pattern: regionIdPattern,
  expected: 'a region id: 1 to 63 of a-z, 0-9 and -, as in a host name',
})

const TierSchema = Type.Unsafe<Tier>(Type.String({ enum: [...tiers] }))

const Probe = Type.Object(
  {
    path: Type.String({
      pattern: '^/[\\x21-\\x7e]*$',
      maxLength: 1024,
      expected: 'a path that starts with /',
      default: '/',
    }),
    status: Type.Integer({ minimum: 100, maximum: 599, default: 200 }),
  },
  strict,
)

const Endpoints = Type.Object(
  {
    /** Where clients are sent by a redirect: scheme, host and port, no path. */
    publicUrl: Type.String({ maxLength: 2048 }),
    /** Where this router connects to: for proxying and for probes; `publicUrl` where absent. */
    originUrl: Type.Optional(Type.String({ maxLength: 2048 })),
    ipv4: Type.Optional(Type.Array(Type.String(), { maxItems: 16 })),
    ipv6: Type.Optional(Type.Array(Type.String(), { maxItems: 16 })),
    cname: Type.Optional(
      Type.String({ pattern: hostNamePattern, expected: 'a host name in lower case, without a dot at its end' }),
    ),
    /** Without a probe a region counts as alive until its lease or an operator says otherwise. */
    probe: Type.Optional(Probe),
  },
  strict,
)

export const Region = Type.Object(
  {
    id: RegionId,
    name: Line(1, 100),
    tier: TierSchema,
    coordinates: Type.Object(
      {
        latitude: Type.Number({ minimum: -90, maximum: 90 }),
        longitude: Type.Number({ minimum: -180, maximum: 180 }),
      },
      strict,
    ),
    /** ISO country code or a name of the operator's (`EU`): what residency rules speak of. */
    jurisdiction: Type.Optional(
      Type.String({ pattern: '^[A-Za-z0-9-]{1,32}$', expected: 'a jurisdiction: 1 to 32 letters, digits and -' }),
    ),
    endpoints: Endpoints,
    /** Requests that the region can hold at once; absent: unknown, then only health and in-flight speak for it. */
    capacityRequests: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1e9 })),
    /** Multiplies the region's share among regions of like cost; 0: takes clients only when others fail. */
    weight: Type.Number({ minimum: 0, maximum: 1000, default: 1 }),
    /** Operator's preference in ms: negative attracts, positive repels. */
    biasMs: Type.Number({ minimum: -10_000, maximum: 10_000, default: 0 }),
    capabilities: Type.Array(Line(1, 200), {
      uniqueItems: true,
      maxItems: 256,
      default: [],
    }),
    labels: Type.Record(Type.String(), Line(0, 1000), { propertyNames: Line(1, 100), default: {} }),
    /** A region from a file that must also register and send heartbeats to be believed. */
    requiresLease: Type.Optional(Type.Boolean()),
  },
  strict,
)

export type Region = Static<typeof Region>

/** The URL that this router itself connects to. */
export function originUrlOf(region: Region): string {
  return region.endpoints.originUrl ?? region.endpoints.publicUrl
}
