/**
 * The shapes of the API's answers, for its document and for the test that holds real answers against it.
 *
 * What comes in is checked by the schemas of the rooms that own it (regions/, config/), not by these.
 */

import Type, { type Static, type TSchema } from 'typebox'
import { priorities } from '../config/rule.ts'
import { errorCatalogue } from '../errors.ts'
import type { EstimateBasis } from '../regions/drain-estimate.ts'
import { LoadReport } from '../regions/load-report.ts'
import { Region, RegionId, tiers } from '../regions/region.ts'
import type { ControlServer } from './dependencies.ts'
import { staleness } from './fleet-reading.ts'

const Milliseconds = Type.Number()
const Tier = Type.Unsafe<(typeof tiers)[number]>(Type.String({ enum: [...tiers] }))
const strict = { additionalProperties: false }

const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String({ enum: Object.keys(errorCatalogue) }),
  detail: Type.String(),
  faults: Type.Optional(Type.Array(Type.String())),
  instance: Type.Optional(Type.String()),
})

const bases = ['empty', 'trend', 'stay', 'not-falling', 'silent', 'unknown'] as const satisfies readonly EstimateBasis[]

const DrainEstimate = Type.Object(
  {
    basis: Type.Unsafe<EstimateBasis>(
      Type.String({
        enum: [...bases],
        description:
          'empty: nothing is in flight. trend: how the reports fall. stay: how long a request stays. silent: its ' +
          'lease has lapsed. not-falling, unknown: there is no telling',
      }),
    ),
    inflight: Type.Optional(Type.Number()),
    emptyInSeconds: Type.Optional(Type.Number()),
  },
  strict,
)

export const RegionView = Type.Object(
  {
    ...Region.properties,
    state: Type.Unsafe<'up' | 'impaired' | 'draining' | 'down'>(
      Type.String({ enum: ['up', 'impaired', 'draining', 'down'] }),
    ),
    reason: Type.Unsafe<'operator' | 'lease' | 'probe' | 'default'>(
      Type.String({ enum: ['operator', 'lease', 'probe', 'default'], description: 'Whose word decided the state' }),
    ),
    detail: Type.String(),
    source: Type.Unsafe<'file' | 'registered'>(Type.String({ enum: ['file', 'registered'] })),
    revision: Type.Integer({ description: 'Of what it registered; the number in its ETag' }),
    load: Type.Optional(Type.Object({ ...LoadReport.properties, ageMs: Milliseconds }, strict)),
    lease: Type.Optional(Type.Object({ epoch: Type.Integer(), expiresInMs: Milliseconds }, strict)),
    drain: Type.Optional(
      Type.Object(
        { by: Type.String(), reason: Type.String(), ageMs: Milliseconds, estimate: Type.Optional(DrainEstimate) },
        strict,
      ),
    ),
    ...staleness,
  },
  strict,
)
export type RegionView = Static<typeof RegionView>

const LocationView = Type.Object(
  {
    latitude: Type.Optional(Type.Number()),
    longitude: Type.Optional(Type.Number()),
    country: Type.Optional(Type.String()),
    continent: Type.Optional(Type.String()),
    subdivision: Type.Optional(Type.String()),
    city: Type.Optional(Type.String()),
    asn: Type.Optional(Type.Integer()),
    accuracyRadiusKm: Type.Optional(Type.Number()),
    prefixLength: Type.Integer(),
    source: Type.String(),
    countryPoint: Type.Optional(Type.Boolean()),
  },
  strict,
)
export type LocationView = Static<typeof LocationView>

const RouteAnswer = Type.Object(
  {
    region: RegionId,
    tier: Tier,
    url: Type.String({ description: 'Public URL of the region with the path asked for' }),
    reason: Type.String(),
    degraded: Type.Boolean(),
    location: Type.Unsafe<LocationView | null>(Type.Union([LocationView, Type.Null()])),
    candidates: Type.Array(Type.Object({ region: RegionId, tier: Tier, costMs: Milliseconds }, strict)),
  },
  strict,
)
export type RouteAnswer = Static<typeof RouteAnswer>

const Column = Type.Object(
  {
    rtt: Milliseconds,
    service: Milliseconds,
    toll: Milliseconds,
    barrier: Milliseconds,
    tier: Milliseconds,
    bias: Milliseconds,
    order: Type.Optional(Milliseconds),
  },
  strict,
)

const BelievedRtt = Type.Object(
  {
    prior: Milliseconds,
    believed: Milliseconds,
    level: Type.String({
      enum: ['network', 'cell', 'area', 'prior'],
      description: 'Whose samples decided: of the client network, its cell, its country or AS; prior: distance alone',
    }),
    measured: Type.Optional(Milliseconds),
    samples: Type.Optional(Type.Number({ description: 'Weight of those samples, faded with their age' })),
  },
  strict,
)

const Trace = Type.Object(
  {
    client: Type.Object(
      { address: Type.String(), network: Type.String(), location: Type.Optional(LocationView) },
      strict,
    ),
    rule: Type.String(),
    transport: Type.String(),
    audience: Type.String(),
    snapshot: Type.Object(
      {
        version: Type.Integer(),
        ageMs: Milliseconds,
        mode: Type.Optional(
          Type.String({ description: 'The brake, while an operator holds it: frozen, distance-only' }),
        ),
        leader: Type.Optional(
          Type.String({ description: 'Router that sets the tolls; absent: none does at this moment' }),
        ),
        tolls: Type.Optional(
          Type.Object(
            {
              term: Type.Integer({ description: 'Rises with every change of the leader' }),
              ageMs: Milliseconds,
            },
            { ...strict, description: 'Since when the tolls hold; absent: none were set yet' },
          ),
        ),
      },
      strict,
    ),
    pick: Type.Object({ key: Type.String(), kind: Type.String(), temperatureMs: Milliseconds }, strict),
    reason: Type.String(),
    degraded: Type.Boolean(),
    region: Type.Union([RegionId, Type.Null()]),
    shedding: Type.Optional(
      Type.Object(
        { priority: Type.String({ enum: [...priorities] }), probability: Type.Number() },
        { ...strict, description: 'While every region is full: how likely the answer is 503 instead' },
      ),
    ),
    candidates: Type.Array(
      Type.Object(
        {
          region: RegionId,
          tier: Tier,
          costMs: Milliseconds,
          share: Type.Number(),
          column: Column,
          believed: Type.Optional(
            Type.Object(
              {
                rtt: Type.Optional(BelievedRtt),
                utilisation: Type.Optional(Type.Number()),
                reported: Type.Optional(Type.Number()),
                capacityRequests: Type.Optional(Type.Number()),
                reportedCapacity: Type.Optional(
                  Type.Number({ description: 'What it says itself, where that is not believed' }),
                ),
                followed: Type.Optional(Type.Number({ description: 'Proxied there by all routers, and not over' })),
                reportAgeMs: Type.Optional(Milliseconds),
                dispatchedSince: Type.Optional(Type.Number()),
                hot: Type.Optional(
                  Type.Object(
                    {
                      share: Type.Number({ description: 'Of clients that are turned away' }),
                      waitMs: Type.Number({ description: 'How long it is still to be spared' }),
                    },
                    strict,
                  ),
                ),
              },
              strict,
            ),
          ),
        },
        strict,
      ),
    ),
    rejected: Type.Array(
      Type.Object(
        {
          region: RegionId,
          tier: Tier,
          kind: Type.String({ enum: ['forbidden', 'doubtful', 'later-tier'] }),
          reason: Type.String(),
          detail: Type.String(),
          costMs: Milliseconds,
          column: Column,
          believed: Type.Optional(Type.Object({ rtt: Type.Optional(BelievedRtt) }, strict)),
        },
        strict,
      ),
    ),
  },
  strict,
)

const shared = { Problem, Region, RegionView, RouteAnswer, Trace }
type SharedName = keyof typeof shared

/** Makes the shapes known by name, so that the document shows each once. */
export function addSharedSchemas(app: ControlServer): void {
  for (const [name, schema] of Object.entries(shared)) app.addSchema({ ...schema, $id: name })
}

/** One of the shared shapes, by reference. */
export function reference(name: SharedName): TSchema {
  return Type.Ref(`${name}#`)
}

/** An answer with a JSON body. */
export function answer(description: string, schema: TSchema): object {
  return { description, content: { 'application/json': { schema } } }
}

/** An answer without a body. */
export function emptyAnswer(description: string): object {
  return Type.Null({ description })
}

/** The answers of a route; whatever else it answers is a problem document. */
export function answers(expected: Readonly<Record<number, object>>): Readonly<Record<string, object>> {
  const problem = { 'application/problem+json': { schema: reference('Problem') } }
  return { ...expected, default: { description: 'What went wrong (RFC 9457)', content: problem } }
}

/** A schema as a sender sees it: what has a default need not be sent. */
export function asInput<S extends TSchema>(schema: S): S {
  const { properties, required } = schema as { properties?: Record<string, TSchema>; required?: string[] }
  if (properties === undefined) return schema
  return {
    ...schema,
    required: required?.filter(key => !('default' in properties[key]!)) ?? [],
    properties: Object.fromEntries(Object.entries(properties).map(([key, child]) => [key, asInput(child)])),
  }
}
