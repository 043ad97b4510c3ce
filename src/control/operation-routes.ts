/** What the surroundings of a router ask: is it alive, should it get clients, what does it count. */

import Type from 'typebox'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { answer, answers } from './schemas.ts'

const Readiness = Type.Object({ ready: Type.Boolean(), reasons: Type.Array(Type.String()) })

export function operationRoutes(app: ControlServer, { ready, metrics }: ControlDependencies): void {
  const tags = ['operation']
  app.get(
    '/healthz',
    {
      config: { anyHost: true },
      schema: {
        tags,
        summary: 'Is the process alive?',
        response: answers({ 200: answer('Alive', Type.Object({ status: Type.Literal('ok') })) }),
      },
    },
    async () => ({ status: 'ok' }),
  )
  app.get(
    '/readyz',
    {
      config: { anyHost: true },
      schema: {
        tags,
        summary: 'Should clients be sent here?',
        response: answers({ 200: answer('Yes', Readiness), 503: answer('Not now, and why', Readiness) }),
      },
    },
    async (_request, reply) => {
      const readiness = ready()
      return reply.code(readiness.ready ? 200 : 503).send(readiness)
    },
  )
  app.get(
    '/metrics',
    {
      config: { right: 'read' },
      schema: {
        tags,
        summary: 'What the router counts, for Prometheus',
        response: answers({
          200: { description: 'Text exposition format', content: { 'text/plain': { schema: Type.String() } } },
        }),
      },
    },
    async (_request, reply) => {
      const { contentType, text } = await metrics()
      return reply.type(contentType).send(text)
    },
  )
}
