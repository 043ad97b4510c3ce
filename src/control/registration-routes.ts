/** Writing the fleet: regions speak for themselves (register, heartbeat), operators have the last word (drain, remove). */

import Type from 'typebox'
import { isMapping } from '../config/keys.ts'
import { MeridianError } from '../errors.ts'
import { type AllowedEndpoints, parseAllowedEndpoints, requireAllowedEndpoints } from '../regions/allowed-endpoints.ts'
import { checkRegion } from '../regions/check-region.ts'
import { LoadReport } from '../regions/load-report.ts'
import { Region, RegionId } from '../regions/region.ts'
import { checker, formatFault, shown } from '../schema.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { RegionPath, readRegion } from './region-routes.ts'
import { checkBody } from './request-checker.ts'
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

function addRegister(app: ControlServer, { store, refresh, allowedEndpoints }: ControlDependencies): void {
  const allowed = compileAllowed(allowedEndpoints)
  const Registration = Type.Object({
    region: reference('Region'),
    epoch: Type.Integer({ description: 'To be sent with every heartbeat' }),
    leaseMs: Type.Number({ description: 'How long the region is believed without a heartbeat' }),
  })
  app.put(
    '/v1/regions/:id',
    {
      config: { right: 'report' },
      schema: {
        tags,
        summary: 'Registers or replaces a region and issues a new epoch',
        params: RegionPath,
        body: RegionBody,
        response: answers({ 200: answer('Replaced', Registration), 201: answer('New', Registration) }),
      },
    },
    async ({ params: { id }, body }, reply) => {
      const region = regionOf(id, body)
      requireAllowedEndpoints(region, allowed)
      const { records } = await store.read()
      const isNew = !records.some(record => record.region.id === id)
      const registration = await store.register(region)
      await refresh()
      return reply.code(isNew ? 201 : 200).send({ region, ...registration })
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
      config: { right: 'operator' },
      schema: {
        tags,
        summary: 'Sends no more clients to a region; this survives its next registration',
        params: RegionPath,
        body: asInput(DrainBody),
        response: answers({ 200: answer('The region', reference('RegionView')) }),
      },
    },
    async ({ params, body, caller }) => {
      const { reason } = checkBody(checkDrain, body ?? {}, 'REQUEST_INVALID')
      await store.drain(params.id, caller, reason)
      await refresh()
      return readRegion(dependencies, params.id)
    },
  )
}

function addUndrain(app: ControlServer, dependencies: ControlDependencies): void {
  const { store, refresh } = dependencies
  app.post(
    '/v1/regions/:id/undrain',
    {
      config: { right: 'operator' },
      schema: {
        tags,
        summary: 'Takes a drain back',
        params: RegionPath,
        response: answers({ 200: answer('The region', reference('RegionView')) }),
      },
    },
    async ({ params }) => {
      await store.undrain(params.id)
      await refresh()
      return readRegion(dependencies, params.id)
    },
  )
}

function addRemove(app: ControlServer, { store, refresh }: ControlDependencies): void {
  app.delete(
    '/v1/regions/:id',
    {
      config: { right: 'operator' },
      schema: {
        tags,
        summary: 'Forgets what a region registered; one that is declared in a file goes back to that',
        params: RegionPath,
        response: answers({ 204: emptyAnswer('Forgotten') }),
      },
    },
    async ({ params }, reply) => {
      await store.remove(params.id)
      await refresh()
      return reply.code(204).send()
    },
  )
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

function compileAllowed(patterns: readonly string[]): AllowedEndpoints {
  const allowed = parseAllowedEndpoints(patterns)
  if (allowed.ok) return allowed.value
  const faults = allowed.faults.map(({ path, message }) =>
    formatFault({ path: `control.allowedEndpoints${path}`, message }),
  )
  throw new MeridianError('CONFIG_INVALID', faults.join('; '), { faults })
}
