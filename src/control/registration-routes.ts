/** Writing the fleet: regions speak for themselves (register, heartbeat), operators have the last word (drain, remove). */

import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { isMapping } from '../config/keys.ts'
import { MeridianError } from '../errors.ts'
import { requireAllowedEndpoints } from '../regions/allowed-endpoints.ts'
import { checkRegion } from '../regions/check-region.ts'
import type { EndpointGuard } from '../regions/endpoint-guard.ts'
import { requireRoom } from '../regions/fleet-size.ts'
import { LoadReport } from '../regions/load-report.ts'
import { Region, RegionId } from '../regions/region.ts'
import type { Drain, FleetRecord, RegionStore } from '../regions/store.ts'
import { checker, shown } from '../schema.ts'
import { callerName } from './authorisation.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { requireNotKept, UnlessKept } from './kept-regions.ts'
import { RegionPath, readRegion } from './region-routes.ts'
import { checkBody } from './request-checker.ts'
import { entityTag, requireRevision, wantedRevision } from './revisions.ts'
import { answer, answers, asInput, emptyAnswer, reference } from './schemas.ts'

const tags = ['registration']
const RegionBody = asInput(
  Type.Object({ ...Region.properties, id: Type.Optional(RegionId) }, { additionalProperties: false }),
)
const DrainBody = Type.Object({ reason: Type.String({ maxLength: 500, default: '' }) }, { additionalProperties: false })
const checkDrain = checker(DrainBody)
const checkReport = checker(LoadReport)

export function registrationRoutes(app: ControlServer, dependencies: ControlDependencies): void {
  addRegister(app, dependencies)
  addHeartbeat(app, dependencies)
  addDrain(app, dependencies)
  addUndrain(app, dependencies)
  addRemove(app, dependencies)
}

function addRegister(app: ControlServer, { store, refresh, allowedEndpoints, guard }: ControlDependencies): void {
  const Registration = Type.Object({
    region: reference('Region'),
    epoch: Type.Integer({ description: 'To be sent with every heartbeat' }),
    leaseMs: Type.Number({ description: 'How long the region is believed without a heartbeat' }),
    revision: Type.Integer({ description: 'Of the specification; the number in the ETag' }),
  })
  app.put(
    '/v1/regions/:id',
    {
      config: { right: 'report', action: 'register' },
      schema: {
        tags,
        summary: 'Registers or replaces a region and issues a new epoch',
        description:
          'The same body again leaves the region as it is, and its revision; only the epoch is new. If-Match with the ' +
          'ETag of the region replaces only what was read; If-None-Match: * registers only what is not registered.',
        params: RegionPath,
        querystring: asInput(UnlessKept),
        body: RegionBody,
        response: answers({ 200: answer('Replaced', Registration), 201: answer('New', Registration) }),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const region = regionOf(id, request.body)
      requireAllowedEndpoints(region, allowedEndpoints)
      requireOthers(region, guard)
      const { record: before, now, known } = await findRecord(store, id)
      if (before === undefined) requireRoom(id, known)
      requireNotKept(request.query, { record: before, now }, region)
      const ifRevision = wantedRevision(request, before?.revision)
      const registration = await store.register(region, ifRevision === undefined ? {} : { ifRevision })
      if (before?.revision !== registration.revision) request.change = { before: before?.region, after: region }
      await refresh()
      reply.header('etag', entityTag(registration.revision))
      return reply.code(before === undefined ? 201 : 200).send({ region, ...registration })
    },
  )
}

function addHeartbeat(app: ControlServer, { store }: ControlDependencies): void {
  app.post(
    '/v1/regions/:id/heartbeat',
    {
      config: { right: 'report' },
      schema: {
        tags,
        summary: 'Renews the lease of a region and takes its load report',
        params: RegionPath,
        body: LoadReport,
        response: answers({ 204: emptyAnswer('Taken') }),
      },
    },
    async ({ params, body }, reply) => {
      await store.heartbeat(params.id, checkBody(checkReport, body, 'REPORT_INVALID'))
      return reply.code(204).send()
    },
  )
}

function addDrain(app: ControlServer, dependencies: ControlDependencies): void {
  const { store, refresh } = dependencies
  app.post(
    '/v1/regions/:id/drain',
    {
      config: { right: 'operator', orRight: 'report', action: 'drain' },
      schema: {
        tags,
        summary: 'Sends no more clients to a region; this survives its next registration',
        params: RegionPath,
        body: asInput(DrainBody),
        response: answers({ 200: answer('The region', reference('RegionView')) }),
      },
    },
    async request => {
      const { id } = request.params
      const { reason } = checkBody(checkDrain, request.body ?? {}, 'REQUEST_INVALID')
      const { record: before } = await findRecord(store, id)
      requireRevision(request, id, before?.revision)
      // An operator's drain stays as it is when the region itself says that it is going.
      if (isOperatorsDrain(request, before?.drain)) return readRegion(dependencies, id)
      const by = callerName(request)
      await store.drain(id, by, reason)
      request.change = { before: before?.drain, after: { by, reason } }
      await refresh()
      return readRegion(dependencies, id)
    },
  )
}

function addUndrain(app: ControlServer, dependencies: ControlDependencies): void {
  const { store, refresh } = dependencies
  app.post(
    '/v1/regions/:id/undrain',
    {
      config: { right: 'operator', orRight: 'report', action: 'undrain' },
      schema: {
        tags,
        summary: 'Takes a drain back, also one that has outlived its region',
        params: RegionPath,
        response: answers({
          200: answer('The region', reference('RegionView')),
          204: emptyAnswer('Taken back; the region itself is not known at the moment'),
        }),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { record, drain } = await findRecord(store, id)
      requireRevision(request, id, record?.revision)
      if (isOperatorsDrain(request, drain)) throw operatorsWord(id, drain)
      await store.undrain(id)
      if (drain !== undefined) request.change = { before: drain }
      await refresh()
      return record === undefined ? reply.code(204).send() : readRegion(dependencies, id)
    },
  )
}

function addRemove(app: ControlServer, { store, refresh }: ControlDependencies): void {
  app.delete(
    '/v1/regions/:id',
    {
      config: { right: 'operator', orRight: 'report', action: 'remove' },
      schema: {
        tags,
        summary: 'Forgets what a region registered; one that is declared in a file goes back to that',
        params: RegionPath,
        querystring: asInput(UnlessKept),
        response: answers({ 204: emptyAnswer('Forgotten') }),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { record: before, now } = await findRecord(store, id)
      requireRevision(request, id, before?.revision)
      if (isOperatorsDrain(request, before?.drain)) throw operatorsWord(id, before.drain)
      requireNotKept(request.query, { record: before, now }, undefined)
      await store.remove(id)
      request.change = { before: before?.region }
      await refresh()
      return reply.code(204).send()
    },
  )
}

/** Whether somebody else has drained the region, of whom a caller without the right `operator` may not take it back. */
function isOperatorsDrain(request: FastifyRequest, drain: Drain | undefined): drain is Drain {
  if (drain === undefined || request.caller?.rights.includes('operator')) return false
  return drain.by !== callerName(request)
}

function operatorsWord(id: string, { by }: Drain): MeridianError {
  const message = `region ${shown(id)} is drained by ${shown(by)}: it takes the right "operator" to end that`
  return new MeridianError('TOKEN_REFUSED', message)
}

interface Found {
  readonly record: FleetRecord | undefined
  /** Also one that has outlived the region. */
  readonly drain: Drain | undefined
  /** On the store's clock, ms. */
  readonly now: number
  /** Regions of the fleet. */
  readonly known: number
}

async function findRecord(store: RegionStore, id: string): Promise<Found> {
  const { records, now, strayDrains } = await store.read()
  const record = records.find(({ region }) => region.id === id)
  return { record, drain: record === undefined ? strayDrains?.get(id) : record.drain, now, known: records.length }
}

/** @throws MeridianError ENDPOINT_FORBIDDEN for a region that leads to a router of this fleet, or to its Redis */
function requireOthers({ id, endpoints }: Region, guard: EndpointGuard | undefined): void {
  const { publicUrl, originUrl } = endpoints
  for (const [path, url] of Object.entries({ publicUrl, originUrl })) {
    const part = url === undefined ? undefined : guard?.partAt(url)
    if (part === undefined) continue
    const fault = `endpoints.${path}: ${shown(url)} is ${part}`
    throw new MeridianError('ENDPOINT_FORBIDDEN', `region ${shown(id)}: ${fault}`, { faults: [fault] })
  }
}

function regionOf(id: string, body: unknown): Region {
  if (!isMapping(body)) return checkRegion(body, 'the body')
  if ('id' in body && body['id'] !== id) {
    throw new MeridianError(
      'REGION_INVALID',
      `the body: id: expected ${shown(id)} as in the path, or no id at all, not ${shown(body['id'])}`,
    )
  }
  return checkRegion({ ...body, id }, 'the body')
}
