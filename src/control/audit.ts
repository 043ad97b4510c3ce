/**
 * Writes down every change: who asked for what, how it was before and after, and how it ended.
 *
 * One entry a call of a route that names an `action`, before its answer is sent. Calls of nobody known leave none, nor do
 * those that were too many: otherwise anyone could fill the log until the oldest entries fall out. A registration that
 * changed nothing is no change.
 */

import Type from 'typebox'
import { logged } from '../errors.ts'
import { AuditEntry } from '../regions/audit-log.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { isOfStore } from './outage-log.ts'
import { answer, answers, asInput } from './schemas.ts'

interface Change {
  readonly before?: unknown
  readonly after?: unknown
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The word for this change in the audit log. */
    action?: string
  }
  interface FastifyRequest {
    /** Set by a handler that has changed something. */
    change: Change | undefined
    /** Code of the error that the request has run into. */
    failure: string | undefined
  }
}

export function installAudit(app: ControlServer, { store, clock }: ControlDependencies): void {
  app.decorateRequest('change')
  app.decorateRequest('failure')
  app.addHook('onSend', async request => {
    const { caller, change, failure, routeOptions, params } = request
    const { action } = routeOptions.config
    if (action === undefined || caller === undefined || failure === 'RATE_LIMITED') return
    if (change === undefined && failure === undefined) return
    const { id } = (params ?? {}) as { readonly id?: string }
    const region = routeOptions.url?.startsWith('/v1/regions/') ? id : undefined
    const entry = {
      ...{ at: Math.round(clock.now()), who: caller.name, action },
      // Whatever stands in a path: an entry has to stay small.
      ...(region !== undefined && { region: region.slice(0, 63) }),
      ...change,
      outcome: failure ?? 'done',
    }
    await store.audit.append(entry).catch(error => {
      // What came to nothing because the store is away is told elsewhere, once for all such calls.
      if (change === undefined && isOfStore(failure)) return
      // The change is made and has to be answered as such; that it is missing in the log is a fault for ours.
      request.log.error({ ...logged(error), entry }, 'not in the audit log')
    })
  })
}

const Query = Type.Object(
  {
    count: Type.Unsafe<string>(
      Type.String({ pattern: '^[1-9][0-9]{0,3}$', expected: 'a number from 1 to 9999', default: '100' }),
    ),
    region: Type.Optional(Type.String({ maxLength: 63, description: 'Only what concerns this region' })),
  },
  { additionalProperties: false },
)

export function auditRoutes(app: ControlServer, { store }: ControlDependencies): void {
  app.get(
    '/v1/audit',
    {
      config: { right: 'operator', fleetWide: true },
      schema: {
        tags: ['fleet'],
        summary: 'Who changed what, the newest first',
        querystring: asInput(Query),
        response: answers({ 200: answer('Entries', Type.Object({ entries: Type.Array(AuditEntry) })) }),
      },
    },
    async ({ query: { count, region } }) => ({ entries: await store.audit.latest(Number(count), region) }),
  )
}
