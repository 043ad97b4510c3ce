/** What happens in the fleet, as it happens: server-sent events (HTML §9.2). */

import Type from 'typebox'
import { MeridianError } from '../errors.ts'
import type { Callers } from './callers.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { createEventHub } from './event-hub.ts'
import { answers } from './schemas.ts'

export function eventRoutes(app: ControlServer, dependencies: ControlDependencies, callers: Callers): void {
  const { store, clock, watchConditions } = dependencies
  const hub = createEventHub(clock)
  const stopWatching = [store.watch(hub.tell), watchConditions?.(hub.tell)]
  // Before the server waits for what is under way: a stream of events would never end by itself.
  app.addHook('preClose', async () => {
    for (const stop of stopWatching) stop?.()
    hub.close()
  })
  app.get(
    '/v1/events',
    {
      // Never as HEAD: it would never end.
      exposeHeadRoute: false,
      config: { right: 'read' },
      schema: {
        tags: ['fleet'],
        summary: 'What happens in the fleet, as server-sent events; load reports are none',
        description:
          '`up`, `impaired` and `down` are as this router sees a region, with `was`, `by` and `detail`; all else is what the ' +
          'store tells every router. Last-Event-ID resumes after that event; where it is too old, or of another life of the router, an event ' +
          '"reset" says that the fleet has to be read anew.',
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String()) }),
        response: answers({
          200: { description: 'Events', content: { 'text/event-stream': { schema: Type.String() } } },
        }),
      },
    },
    async (request, reply) => {
      const { caller, headers } = request
      const isWelcome = () => caller === undefined || callers.isValid(caller)
      reply.raw.setHeader('content-type', 'text/event-stream')
      reply.raw.setHeader('cache-control', 'no-store')
      if (!hub.add(reply.raw, headers['last-event-id'], isWelcome)) {
        throw new MeridianError(
          'EVENTS_BUSY',
          'as many clients listen for events as this router serves; try again later',
        )
      }
      reply.hijack()
    },
  )
}
