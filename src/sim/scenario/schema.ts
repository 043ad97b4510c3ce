/**
 * A scenario as it is written in its file: the one source of its types, its check and its defaults.
 *
 * What the values mean together, and with the fleet and the cities at hand, is checked where they are taken up.
 */

import Type, { type Static, type TProperties } from 'typebox'
import { Duration } from '../../config/duration.ts'
import { RegionId, type Tier, tiers } from '../../regions/region.ts'
import type { Transport } from '../world.ts'

const strict = { additionalProperties: false }

function Section<P extends TProperties>(properties: P) {
  return Type.Object(properties, { ...strict, default: {} })
}

/** A duration that may be nothing, or a time from the start of the run. */
const momentPattern = '^(?:0s|[1-9]\\d{0,8}ms|[1-9]\\d{0,5}s|[1-9]\\d{0,3}m|[1-9]\\d?h)$'
const momentExpected = 'a time with its unit (0s, 250ms, 5s, 2m, 24h)'
const Moment = (byDefault?: string) =>
  Type.String({
    pattern: momentPattern,
    expected: momentExpected,
    ...(byDefault !== undefined && { default: byDefault }),
  })
/** Without a default. */
const Span = Type.String({ pattern: momentPattern.replace('0s|', ''), expected: momentExpected.replace('0s, ', '') })

const Share = Type.Optional(Type.Number({ minimum: 0, maximum: 1 }))
const Factor = Type.Number({ minimum: 0, maximum: 1000 })
const Sigma = (byDefault?: number) =>
  Type.Number({ minimum: 0, maximum: 3, ...(byDefault !== undefined && { default: byDefault }) })
const FilePath = Type.String({ minLength: 1, maxLength: 4096, expected: 'the path of a file' })
const Name = Type.String({ minLength: 1, maxLength: 100 })

/**
 * All requests by one, or shares of several. A union of types rather than of schemas, here and below: so that a fault inside is
 * told, and not only that nothing fits.
 */
const Transports = Type.Unsafe<Transport | Partial<Record<Transport, number>>>({
  ...Type.Object({ proxy: Share, redirect: Share, dns: Share }, strict),
  type: ['string', 'object'],
  pattern: '^(?:proxy|redirect|dns)$',
  expected: 'proxy, redirect or dns, or a share of each',
  default: 'proxy',
})

const Routers = Section({
  count: Type.Integer({ minimum: 1, maximum: 256, default: 4 }),
  reportEvery: Duration('2s'),
  reportDelay: Moment('200ms'),
  snapshotEvery: Duration('1s'),
  publishEvery: Duration('50ms'),
  tollsEvery: Duration('2s'),
  transport: Transports,
  ttl: Moment('30s'),
})

const Regions = Type.Object(
  {
    /** Of region files, from the scenario's own folder. */
    directory: Type.String({ minLength: 1, maxLength: 4096, expected: 'the path of a folder' }),
    tiers: Type.Unsafe<Tier[]>(
      Type.Array(Type.String({ enum: [...tiers] }), { minItems: 1, uniqueItems: true, default: [...tiers] }),
    ),
    only: Type.Optional(Type.Array(RegionId, { minItems: 1, uniqueItems: true })),
    /** Slots by region id, instead of what the files say. */
    capacities: Type.Record(Type.String(), Type.Integer({ minimum: 1, maximum: 1e6 }), { default: {} }),
  },
  strict,
)

const City = Type.Object(
  {
    name: Name,
    latitude: Type.Number({ minimum: -90, maximum: 90 }),
    longitude: Type.Number({ minimum: -180, maximum: 180 }),
    country: Type.String({ pattern: '^[A-Z]{2}$', expected: 'a country code of two capital letters' }),
    continent: Type.String({ enum: ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] }),
    population: Type.Number({ exclusiveMinimum: 0 }),
  },
  strict,
)

/** Of the big cities, by name (`London`, or `London, CA` where several share it), or described in full. */
const CityOrName = Type.Unsafe<string | Static<typeof City>>({
  ...City,
  type: ['string', 'object'],
  minLength: 1,
  expected: 'the name of a city, or a mapping',
})

const Clients = Section({
  /** `population`: all big cities; a number: so many of the largest; a list: these. In each case weighted by population. */
  cities: Type.Unsafe<'population' | number | (string | Static<typeof City>)[]>({
    type: ['string', 'integer', 'array'],
    pattern: '^population$',
    minimum: 1,
    maximum: 10_000,
    minItems: 1,
    items: CityOrName,
    expected: 'population, a number of cities, or a list of them',
    default: 'population',
  }),
  daily: Type.Boolean({ default: false }),
  networksPerCity: Type.Integer({ minimum: 1, maximum: 10_000, default: 100 }),
  retry: Section({
    /** Tries in all. */
    attempts: Type.Integer({ minimum: 1, maximum: 20, default: 1 }),
    firstDelay: Moment('1s'),
    factor: Type.Number({ minimum: 1, maximum: 10, default: 2 }),
  }),
  /** A client's whole patience; absent: it waits. */
  timeout: Type.Optional(Span),
})

const Latency = Section({
  /** `prior`: as distance has it. `matrix`: that times a factor of chance for each pair, or as in `file`. */
  truth: Type.Unsafe<'prior' | 'matrix'>(Type.String({ enum: ['prior', 'matrix'], default: 'prior' })),
  /** Deviation of the logarithm of those factors. */
  error: Sigma(0),
  /** Of those factors: the same for every seed of the run. */
  seed: Type.Integer({ minimum: 0, maximum: 2 ** 31, default: 1 }),
  file: Type.Optional(FilePath),
  jitter: Section({ lognormal: Sigma(0) }),
  routersKnow: Type.Unsafe<'prior' | 'truth'>(Type.String({ enum: ['prior', 'truth'], default: 'prior' })),
})

const Trace = Type.Object(
  {
    /** CSV with a header: time, prompt tokens, generated tokens. */
    file: FilePath,
    /** Time in a slot: fixed, for each prompt token, for each generated one; ms. */
    fixedMs: Type.Number({ minimum: 0, maximum: 1e6, default: 0 }),
    perPromptTokenMs: Type.Number({ minimum: 0, maximum: 1e6, default: 0.2 }),
    perGeneratedTokenMs: Type.Number({ minimum: 0, maximum: 1e6, default: 20 }),
  },
  strict,
)

/** One of these. */
const ServiceTime = Section({
  lognormal: Type.Optional(Type.Object({ mean: Span, sigma: Sigma() }, strict)),
  exponential: Type.Optional(Span),
  constant: Type.Optional(Span),
  trace: Type.Optional(Trace),
})

const Load = Section({
  /** Of all slots, on the average; or else requests a second. A trace is compressed in time to make it so. */
  ofCapacity: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 10 })),
  requestsPerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1e6 })),
  service: ServiceTime,
  /** Requests that wait in one region at most; absent: any number. */
  queueLimit: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e6 })),
})

/** Crowds beside the rest of the load. */
const Bursts = Type.Object(
  {
    perSecond: Type.Number({ exclusiveMinimum: 0, maximum: 1000 }),
    clients: Type.Integer({ minimum: 1, maximum: 1e6 }),
    /** All clients of a crowd send within this time. */
    within: Moment('0s'),
  },
  strict,
)

/** One thing that happens: to the demand of some cities, to some regions, to the store, or to a router. */
export const ScenarioEvent = Type.Object(
  {
    at: Moment(),
    /** Absent: to the end. */
    until: Type.Optional(Span),
    label: Type.Optional(Name),
    continent: Type.Optional(
      Type.String({
        pattern: '^!?(?:AF|AN|AS|EU|NA|OC|SA)$',
        expected: 'AF, AN, AS, EU, NA, OC or SA, with ! for all but it',
      }),
    ),
    country: Type.Optional(
      Type.String({
        pattern: '^!?[A-Z]{2}$',
        expected: 'a country code of two capital letters, with ! for all but it',
      }),
    ),
    city: Type.Optional(Name),
    region: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9*-]{1,63}$',
        expected: 'a region id, in which * stands for anything (edge-*)',
      }),
    ),
    demand: Type.Optional(Factor),
    capacity: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1000 })),
    /** Factor of service times. */
    service: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1000 })),
    down: Type.Optional(Type.Boolean()),
    slowStart: Type.Optional(Span),
    store: Type.Optional(Type.Unsafe<'lost'>(Type.String({ enum: ['lost'] }))),
    /** From 1. */
    router: Type.Optional(Type.Integer({ minimum: 1, maximum: 256 })),
    cutOff: Type.Optional(Type.Boolean()),
  },
  strict,
)

export type ScenarioEvent = Static<typeof ScenarioEvent>

export const Scenario = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9._-]{1,63}$', expected: 'a name: 1 to 63 letters, digits, dots, - or _' }),
    duration: Duration('600s'),
    seed: Type.Integer({ minimum: 0, maximum: 2 ** 31, default: 1 }),
    routers: Routers,
    regions: Regions,
    clients: Clients,
    latency: Latency,
    load: Load,
    bursts: Type.Optional(Bursts),
    events: Type.Array(ScenarioEvent, { default: [], maxItems: 1000 }),
  },
  strict,
)

export type Scenario = Static<typeof Scenario>
export type ScenarioCity = Static<typeof City>
