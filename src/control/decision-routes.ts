/** Asking for a decision, and for the reasoning behind one. Both take the same question. */

import type { FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Priority } from '../config/rule.ts'
import { shortDecision } from '../edge/decide.ts'
import { parseHost, parseRequestTarget } from '../edge/request-target.ts'
import { MeridianError } from '../errors.ts'
import { formatAddress, parseAddress } from '../geo/address.ts'
import type { Location } from '../geo/location.ts'
import type { Decision, RouteRequest } from '../routing/decision.ts'
import { formatFault, shown } from '../schema.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { answer, answers, asInput, type LocationView, type RouteAnswer, reference } from './schemas.ts'

const tags = ['decisions']

const Question = Type.Object(
  {
    ip: Type.Optional(Type.String({ description: "Address of the client; the caller's own where absent" })),
    host: Type.String({ default: '', maxLength: 255, description: 'Host that the client asks for' }),
    path: Type.String({ default: '/', maxLength: 8192, description: 'Path that the client asks for, with its query' }),
    method: Type.String({ default: 'GET', pattern: '^[A-Z]{1,32}$', expected: 'a method in upper case' }),
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 1024, description: 'Affinity: same key, same region' })),
  },
  { additionalProperties: false },
)

export function decisionRoutes(app: ControlServer, { router, random }: ControlDependencies): void {
  app.get(
    '/v1/route',
    {
      config: { right: 'read' },
      attachValidation: true,
      schema: {
        tags,
        summary: 'Where should this client go? Counts as a client sent there',
        description: 'Header fields that a rule reads (capability, affinity) are taken from this request.',
        querystring: asInput(Question),
        response: answers({ 200: answer('Best first', reference('RouteAnswer')) }),
      },
    },
    async (request, reply) => {
      const { question, pathAndQuery } = readQuestion(request, request.query)
      const decision = router.route({ ...question, chance: random?.() })
      if (decision.shed !== undefined) {
        reply.header('retry-after', 1 + Math.floor(5 * random!()))
        throw overloaded(decision.ruleName, decision.shed)
      }
      return routeAnswer(decision, question, pathAndQuery)
    },
  )
  app.get(
    '/v1/explain',
    {
      config: { right: 'read' },
      attachValidation: true,
      schema: {
        tags,
        summary: 'Why would this client go there? Counts as nothing',
        description: 'Every region with its column of milliseconds, and why each rejected one was rejected.',
        querystring: asInput(Question),
        response: answers({ 200: answer('The reasoning', reference('Trace')) }),
      },
    },
    async request => {
      const { client, ...trace } = router.explain(readQuestion(request, request.query).question)
      const location = client.location && viewLocation(client.location)
      return { client: { ...client, ...(location && { location }) }, ...trace }
    },
  )
}

interface AskedQuestion {
  readonly question: RouteRequest
  readonly pathAndQuery: string
}

/** @throws MeridianError ADDRESS_INVALID or REQUEST_INVALID with every fault, those of the schema first */
function readQuestion(request: FastifyRequest, query: Static<typeof Question>): AskedQuestion {
  const faults = [...((request.validationError as MeridianError | undefined)?.faults ?? [])]
  const expect = (path: string, what: string, value: unknown) => {
    // What the schema has said of a key is said once.
    if (faults.some(fault => fault.startsWith(`${path}: `))) return
    faults.push(formatFault({ path, message: `expected ${what}, not ${shown(value)}` }))
  }
  // Of a faulty query nothing has been filled in, and its values may be of any type.
  const { ip = socketAddress(request), host: asked = '', path = '/', method, key } = query
  const address = parsed(ip, parseAddress)
  const host = parsed(asked, parseHost)
  const target = parsed(path, parseRequestTarget)
  if (address === undefined) expect('ip', 'an IPv4 or IPv6 address', ip)
  if (host === undefined) expect('host', 'a host name', asked)
  if (target?.form !== 'origin') expect('path', 'a path that starts with /', path)
  if (faults.length > 0 || address === undefined || host === undefined || target?.form !== 'origin') {
    const code = typeof ip === 'string' && address === undefined ? 'ADDRESS_INVALID' : 'REQUEST_INVALID'
    throw new MeridianError(code, faults.join('; '), { faults })
  }
  const header = (name: string) => request.headers[name]?.toString()
  return { question: { address, host, path: target.path, method, key, header }, pathAndQuery: target.pathAndQuery }
}

function parsed<T>(value: unknown, parse: (text: string) => T | undefined): T | undefined {
  return typeof value === 'string' ? parse(value) : undefined
}

/** Without the zone that link-local addresses carry (RFC 4007 §11): it means something on one machine only. */
function socketAddress({ socket }: FastifyRequest): string {
  return socket.remoteAddress?.split('%', 1)[0] ?? ''
}

function routeAnswer(decision: Decision, { address }: RouteRequest, pathAndQuery: string): RouteAnswer {
  const { best, ruleName, location } = decision
  if (best === undefined) {
    const client = formatAddress(address)
    throw new MeridianError(
      'NO_REGION',
      `no region can serve ${client} by rule ${shown(ruleName)}; /v1/explain says why`,
    )
  }
  const { candidates, ...decided } = shortDecision(decision, best, pathAndQuery)
  return { ...decided, location: location === undefined ? null : viewLocation(location), candidates: [...candidates] }
}

function overloaded(rule: string, priority: Priority): MeridianError {
  return new MeridianError(
    'OVERLOADED',
    `every region that may serve this by rule ${shown(rule)} is full, and priority ${priority} gives way`,
  )
}

function viewLocation({ coordinates, ...known }: Location): LocationView {
  return { ...coordinates, ...known }
}
