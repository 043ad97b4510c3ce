/** Taking in measured round trips, each sample judged by itself: one that is wrong does not spoil its batch. */

import Type, { type Static } from 'typebox'
import { MeridianError } from '../errors.ts'
import { type Network, parseNetwork } from '../geo/network.ts'
import { RegionId } from '../regions/region.ts'
import { checker, formatFault, shown } from '../schema.ts'
import { callerName } from './authorisation.ts'
import type { Caller } from './callers.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { checkBody } from './request-checker.ts'
import { answer, answers } from './schemas.ts'

const strict = { additionalProperties: false }
const mostSamples = 1000
/** So many of the longest samples there are. */
const bodyLimit = 256 * 1024

const Sample = Type.Object(
  {
    network: Type.String({
      maxLength: 64,
      expected: 'a network such as 192.0.2.0/24, or an address',
      description: 'Client network of /24 or /48, or an address in it',
    }),
    region: RegionId,
    rttMs: Type.Number({ minimum: 0.1, maximum: 10_000, description: 'Round trip of the network, ms' }),
  },
  strict,
)
const checkSample = checker(Sample)

const bounds = { minItems: 1, maxItems: mostSamples }
const Batch = Type.Object({ samples: Type.Array(Sample, bounds) }, strict)
const checkBatch = checker(Type.Object({ samples: Type.Array(Type.Unknown(), bounds) }, strict))

const Taken = Type.Object(
  {
    accepted: Type.Integer({ minimum: 0, description: 'How many samples count; 0 where none passed' }),
    rejected: Type.Array(Type.Object({ index: Type.Integer(), fault: Type.String() }, strict), {
      description: 'What was left out, by its place in the batch, and why',
    }),
  },
  strict,
)

export function latencyRoutes(app: ControlServer, { latency, countLatencySamples }: ControlDependencies): void {
  app.post(
    '/v1/latency',
    {
      config: { right: 'report' },
      bodyLimit,
      schema: {
        tags: ['latency'],
        summary: 'Takes measured round trips between client networks and regions',
        description: 'A token for some regions may only tell of those. Samples count in decisions within about 10 s.',
        body: Batch,
        response: answers({
          202: answer('Each sample was judged: `accepted` may be 0, `rejected` says why', Taken),
        }),
      },
    },
    async (request, reply) => {
      if (latency === undefined)
        throw new MeridianError('LATENCY_OFF', 'this router measures no latency: set routing.latency.enabled')
      const { samples } = checkBody(checkBatch, request.body, 'REQUEST_INVALID')
      const source = callerName(request)
      const rejected = samples.flatMap((sample, index) => {
        const fault = faultOf(sample, request.caller!, (network, { region, rttMs }) =>
          latency.record({ network, region, rttMs }, source),
        )
        return fault === undefined ? [] : [{ index, fault }]
      })
      const accepted = samples.length - rejected.length
      countLatencySamples?.(accepted, rejected.length)
      return reply.code(202).send({ accepted, rejected })
    },
  )
}

function faultOf(
  sample: unknown,
  caller: Caller,
  record: (network: Network, sample: Static<typeof Sample>) => string | undefined,
): string | undefined {
  const checked = checkSample(sample)
  if (!checked.ok) return checked.faults.map(formatFault).join('; ')
  const { region, network } = checked.value
  if (!caller.mayTouch(region)) return `token ${shown(caller.name)} is not for region ${shown(region)}`
  const parsed = parseNetwork(network)
  return parsed.ok ? record(parsed.value, checked.value) : parsed.faults.map(formatFault).join('; ')
}
