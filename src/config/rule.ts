/**
 * A rule: which requests (host, path, method) may go to which tiers, and by which transport.
 *
 * First match by host, then longest path prefix, then order. A built-in catch-all ends every list.
 */

import Type, { type Static } from 'typebox'
import { RegionId, type Tier, tiers } from '../regions/region.ts'

const strict = { additionalProperties: false }

export const HeaderName = Type.String({
  pattern: "^[a-z0-9!#$%&'*+.^_`|~-]{1,100}$",
  expected: 'a header name in lower case',
})

const Match = Type.Object(
  {
    /** Exact host, or `*.example.com` for every name below it; absent: any host. */
    host: Type.Optional(
      Type.String({
        pattern: '^(?:\\*\\.)?[a-z0-9_-]+(?:\\.[a-z0-9_-]+)*$',
        expected: 'a host name in lower case, without port (*.example.com for all below it)',
      }),
    ),
    /** Prefix in whole segments: `/v1` and `/v1/` match `/v1/chat`, never `/v10`. Absent: any path. */
    path: Type.Optional(Type.String({ pattern: '^/[\\x21-\\x7e]*$', expected: 'a path that starts with /' })),
    methods: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Z]+$', expected: 'a method in upper case' }), { minItems: 1 }),
    ),
  },
  strict,
)

const Cors = Type.Object(
  {
    origins: Type.Array(
      Type.String({ pattern: '^(?:\\*|https?://[^/\\s]+)$', expected: 'an origin (https://app.example.com) or *' }),
      { minItems: 1 },
    ),
    methods: Type.Array(Type.String({ pattern: '^[A-Z]+$' }), {
      default: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    }),
    headers: Type.Array(HeaderName, { default: [] }),
    exposedHeaders: Type.Array(HeaderName, { default: [] }),
    credentials: Type.Boolean({ default: false }),
    maxAgeSeconds: Type.Integer({ minimum: 0, maximum: 86_400, default: 600 }),
  },
  strict,
)

/** The first is the last to be shed. */
export const priorities = ['high', 'normal', 'low'] as const
export type Priority = (typeof priorities)[number]

/** Where clients of a jurisdiction may be served; a client whose jurisdiction is not named may be served anywhere. */
export interface Residency {
  /** What happens to clients of whom not even the country is known. */
  readonly unknownCountry: 'refuse' | 'allow'
  readonly [jurisdiction: string]: readonly string[] | 'refuse' | 'allow'
}

export const Rule = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9._-]{1,63}$', expected: 'a name: 1 to 63 letters, digits, dots, - or _' }),
    match: Type.Object(Match.properties, { ...strict, default: {} }),
    transport: Type.Unsafe<'redirect' | 'proxy' | 'decide'>(
      Type.String({ enum: ['redirect', 'proxy', 'decide'], default: 'redirect' }),
    ),
    /** Of a redirect; 307 and 308 keep method and body. */
    status: Type.Unsafe<301 | 302 | 303 | 307 | 308>(Type.Integer({ enum: [301, 302, 303, 307, 308], default: 307 })),
    tiers: Type.Unsafe<Tier[]>(
      Type.Array(Type.String({ enum: [...tiers] }), { minItems: 1, uniqueItems: true, default: [...tiers] }),
    ),
    /** true: a later tier serves only what earlier ones cannot take. false: each step down costs `tierStepMs`. */
    strict: Type.Boolean({ default: true }),
    tierStepMs: Type.Number({ minimum: 0, maximum: 10_000, default: 20 }),
    /** Network round trips of one exchange: multiplies rtt. */
    roundTrips: Type.Number({ minimum: 0.1, maximum: 100, default: 1 }),
    /** What a region must be able to do: a fixed word, or the value of a request header. */
    capability: Type.Optional(
      Type.Union(
        [
          Type.Object({ header: HeaderName }, strict),
          Type.Object({ value: Type.String({ minLength: 1, maxLength: 200 }) }, strict),
        ],
        {
          expected: '{ header: … } or { value: … }',
        },
      ),
    ),
    /** Requests with the same value of this header go to the same region; without it the client network decides. */
    affinity: Type.Optional(Type.Object({ header: HeaderName }, strict)),
    /** Who is shed first when every region is full: a fixed class, or the value of a request header; absent: normal. */
    priority: Type.Optional(
      Type.Union(
        [
          Type.Object({ header: HeaderName }, strict),
          Type.Object({ value: Type.Unsafe<Priority>(Type.String({ enum: [...priorities] })) }, strict),
        ],
        { expected: '{ value: high | normal | low } or { header: … }' },
      ),
    ),
    /** Client's jurisdiction (country code, or EU) to the region jurisdictions that may serve it. */
    residency: Type.Optional(
      Type.Unsafe<Residency>(
        Type.Object(
          { unknownCountry: Type.String({ enum: ['refuse', 'allow'], default: 'refuse' }) },
          {
            additionalProperties: Type.Array(Type.String({ pattern: '^[A-Za-z0-9-]{1,32}$' }), { minItems: 1 }),
            propertyNames: {
              pattern: '^(?:[A-Z]{2}|unknownCountry)$',
              expected: 'a country code, EU or unknownCountry as key',
            },
          },
        ),
      ),
    ),
    /** `weighted`: clients are shared among regions of like cost. `lowest`: always the cheapest. */
    pick: Type.Unsafe<'weighted' | 'lowest'>(Type.String({ enum: ['weighted', 'lowest'], default: 'weighted' })),
    /** Region that is used when not even a doubtful one is left. */
    lastResort: Type.Optional(RegionId),
    cors: Type.Optional(Cors),
  },
  strict,
)

export type Rule = Static<typeof Rule>
export type Cors = Static<typeof Cors>
export type Transport = Rule['transport']

/** Ends every list of rules: any request, redirected, all tiers in their usual order. */
export const catchAllRule: Rule = {
  name: 'default',
  match: {},
  transport: 'redirect',
  status: 307,
  tiers: [...tiers],
  strict: true,
  tierStepMs: 20,
  roundTrips: 1,
  pick: 'weighted',
}
