/**
 * The configuration as an operator writes it, section by section: the one source of its types, its check, its
 * environment variables and of the test that keeps `docs/configuration.md` complete.
 *
 * Says nothing of what the values mean together; that is in `consistency.ts` and `cross-check.ts`.
 */

import Type, { type Static, type TProperties } from 'typebox'
import { RegionId } from '../regions/region.ts'
import { type Right, rights } from '../regions/token-store.ts'
import { Duration } from './duration.ts'
import type { SchemaNode } from './keys.ts'
import { Redis } from './redis.ts'
import { HeaderName, Rule } from './rule.ts'

/** Of the softmax among regions of like cost, ms: scored in the simulator. */
export const defaultTemperatureMs = 3

const strict = { additionalProperties: false }

/** A mapping that may be left out: every key in it has a default or may be left out as well. */
function Section<P extends TProperties>(properties: P) {
  return Type.Object(properties, { ...strict, default: {} })
}

const Name = (byDefault: string) =>
  Type.String({
    pattern: '^[A-Za-z0-9._-]{1,63}$',
    expected: 'a name: 1 to 63 letters, digits, dots, - or _',
    default: byDefault,
  })

const FilePath = { minLength: 1, maxLength: 4096, expected: 'the path of a file' }

function Listen(byDefault: { address: string; port: number }) {
  return Type.Object(
    {
      address: Type.String({ default: byDefault.address }),
      port: Type.Integer({ minimum: 0, maximum: 65_535, default: byDefault.port }),
    },
    strict,
  )
}

const Router = Section({
  id: Name('router-1'),
  location: Type.Optional(
    Type.Object(
      {
        latitude: Type.Number({ minimum: -90, maximum: 90 }),
        longitude: Type.Number({ minimum: -180, maximum: 180 }),
      },
      strict,
    ),
  ),
})

const Geo = Section({
  databases: Type.Array(Type.String(FilePath), { minItems: 1, maxItems: 16, default: ['embedded'] }),
  asn: Type.Optional(Type.String(FilePath)),
  overrides: Type.Optional(Type.String(FilePath)),
  update: Section({
    accountId: Type.Optional(
      Type.Unsafe<string | number>({
        type: ['string', 'integer'],
        pattern: '^[0-9]{1,20}$',
        minimum: 0,
        expected: 'the number of an account',
      }),
    ),
    licenseKey: Type.Optional(
      Type.String({ pattern: '^[\\x21-\\x7e]{1,200}$', expected: 'a license key, in quotes', secret: true }),
    ),
    editions: Type.Array(
      Type.String({
        pattern: '^[A-Za-z0-9][A-Za-z0-9-]{0,62}$',
        expected: 'the id of an edition, such as GeoLite2-City',
      }),
      { minItems: 1, maxItems: 16, uniqueItems: true, default: ['GeoLite2-City'] },
    ),
    every: Duration('24h'),
    url: Type.String({ maxLength: 2048, default: 'https://download.maxmind.com' }),
  }),
})

const Regions = Section({
  directory: Type.Optional(Type.String({ ...FilePath, expected: 'the path of a folder' })),
  defaultOrder: Type.Array(RegionId, { uniqueItems: true, default: [] }),
})

const Http = Section({
  listen: Type.Array(Listen({ address: '0.0.0.0', port: 8080 }), {
    minItems: 1,
    default: [{ address: '0.0.0.0', port: 8080 }],
  }),
  trustedProxies: Type.Array(Type.String(), { default: [] }),
  clientAddressHeader: Type.String({ ...HeaderName, default: 'x-forwarded-for' }),
  timeouts: Section({ connect: Duration('2s'), firstByte: Duration('60s'), stall: Duration('5m') }),
})

const HolderName = Type.String({
  pattern: '^[A-Za-z0-9._-]{1,63}$',
  expected: 'a name: 1 to 63 letters, digits, dots, - or _',
})

const Rights = Type.Unsafe<Right[]>(
  Type.Array(Type.String({ enum: [...rights] }), { minItems: 1, uniqueItems: true, default: [...rights] }),
)

/** Region ids with `*` for any run of characters. */
export const RegionGlob = Type.String({
  pattern: '^[a-z0-9*-]{1,63}$',
  expected: 'a region id, in which * stands for anything (edge-*)',
})

const RegionGlobs = Type.Array(RegionGlob, { minItems: 1, maxItems: 64, uniqueItems: true, default: ['*'] })

const Token = Type.Object(
  {
    name: HolderName,
    sha256: Type.String({
      pattern: '^[0-9a-f]{64}$',
      expected: 'the SHA-256 of the token as 64 hexadecimal digits in lower case',
    }),
    rights: Rights,
    regions: RegionGlobs,
    expires: Type.Optional(
      Type.String({
        pattern: '^\\d{4}-\\d{2}-\\d{2}(?:T\\d{2}:\\d{2}:\\d{2}Z)?$',
        expected: 'a date in UTC (2027-01-31 or 2027-01-31T12:00:00Z)',
      }),
    ),
  },
  strict,
)

const Certificate = Type.Object(
  {
    /** Common name or one of the alternative names of a client certificate. */
    subject: Type.String({ minLength: 1, maxLength: 255, expected: 'the name in a client certificate' }),
    rights: Rights,
    regions: RegionGlobs,
  },
  strict,
)

const Control = Section({
  listen: Type.Object(Listen({ address: '127.0.0.1', port: 8081 }).properties, { ...strict, default: {} }),
  hosts: Type.Array(
    Type.String({
      pattern: '^(?:(?:\\*\\.)?[a-z0-9_-]+(?:\\.[a-z0-9_-]+)*|[0-9a-f:.]+)$',
      expected: 'a host name in lower case without port (*.example.com for all below it), or an address',
    }),
    { default: [] },
  ),
  tls: Section({
    cert: Type.Optional(Type.String(FilePath)),
    key: Type.Optional(Type.String(FilePath)),
    clientCa: Type.Optional(Type.String(FilePath)),
  }),
  allowedEndpoints: Type.Array(Type.String(), { default: [] }),
  tokens: Type.Array(Token, { default: [] }),
  certificates: Type.Array(Certificate, { default: [] }),
  rateLimit: Section({
    perSecond: Type.Number({ exclusiveMinimum: 0, maximum: 1e6, default: 2000 }),
    burst: Type.Integer({ minimum: 1, maximum: 1e6, default: 4000 }),
  }),
})

const Health = Section({
  enabled: Type.Boolean({ default: true }),
  interval: Duration('5s'),
  timeout: Duration('2s'),
  recheck: Duration('1s'),
  rise: Type.Integer({ minimum: 1, maximum: 100, default: 2 }),
  fall: Type.Integer({ minimum: 1, maximum: 100, default: 3 }),
})

const Log = Section({
  level: Type.Unsafe<'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'>(
    Type.String({ enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], default: 'info' }),
  ),
  clientAddress: Type.Unsafe<'shortened' | 'full'>(Type.String({ enum: ['shortened', 'full'], default: 'shortened' })),
})

const Routing = Section({
  temperatureMs: Type.Number({ exclusiveMinimum: 0, maximum: 10_000, default: defaultTemperatureMs }),
  snapshotEvery: Duration('1s'),
  exchangeEvery: Duration('50ms'),
  tollsEvery: Duration('2s'),
  latency: Section({
    enabled: Type.Boolean({ default: true }),
    halfLife: Duration('6h'),
    maxNetworks: Type.Integer({ minimum: 1, maximum: 10_000_000, default: 100_000 }),
    explorationShare: Type.Number({ minimum: 0, maximum: 0.5, default: 0 }),
    file: Type.Optional(Type.String(FilePath)),
  }),
})

export const Settings = Type.Object(
  {
    fleet: Name('default'),
    router: Router,
    workers: Type.Integer({ minimum: 0, maximum: 0, expected: '0 (more are not in this release)', default: 0 }),
    geo: Geo,
    regions: Regions,
    redis: Redis,
    http: Http,
    control: Control,
    health: Health,
    lease: Section({ duration: Duration('10s') }),
    log: Log,
    routing: Routing,
    rules: Type.Array(Rule, { default: [] }),
  },
  strict,
)

/** What the operator said, with every default filled in: durations and paths are still text. */
export type Settings = Static<typeof Settings>

/** The same schema for walking its keys: TypeBox's own types only say what values look like. */
export const settingsSchema: SchemaNode = Settings as object
