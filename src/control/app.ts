/**
 * The control API: Fastify on its own listener, put together from one plugin for each concern.
 *
 * Builds the server and nothing else: whoever calls listens, and closes it. Everything it needs comes in as plain
 * functions and interfaces, so that it knows neither where a snapshot comes from nor what a metric is.
 */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { LogController } from 'fastify'
import { logged } from '../errors.ts'
import { auditRoutes, installAudit } from './audit.ts'
import { installAuthorisation } from './authorisation.ts'
import { createCallers } from './callers.ts'
import { decisionRoutes } from './decision-routes.ts'
import type { Access, ControlApp, ControlDependencies, ControlServer, TlsMaterial } from './dependencies.ts'
import { documentationRoutes } from './documentation-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { fleetRoutes } from './fleet-routes.ts'
import { bodyLimitBytes, installJsonBody } from './json-body.ts'
import { latencyRoutes } from './latency-routes.ts'
import { operationRoutes } from './operation-routes.ts'
import { answerMalformedRequest, installProblems, refuseUrl } from './problems.ts'
import { regionRoutes } from './region-routes.ts'
import { registrationRoutes } from './registration-routes.ts'
import { requestChecker } from './request-checker.ts'
import { addSharedSchemas } from './schemas.ts'
import { tokenRoutes } from './token-routes.ts'

export function createControlApp(dependencies: ControlDependencies): ControlApp {
  const { access, clock, log, store } = dependencies
  const app: ControlServer = Fastify({
    ...(log === undefined ? {} : { loggerInstance: log }),
    ...tlsOptions(dependencies.tls),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    requestTimeout: 10_000,
    // Long enough that a wrong id is answered as one, and not as an unknown path.
    routerOptions: { maxParamLength: 4096 },
    // Without it Fastify answers in a format of its own while it closes.
    return503OnClosing: false,
    frameworkErrors: refuseUrl,
    clientErrorHandler: answerMalformedRequest,
  }).withTypeProvider<TypeBoxTypeProvider>()
  const callers = createCallers(access, store, clock)
  app.addHook('onReady', () =>
    callers.reload().catch(error => app.log.warn(logged(error), 'no token of the store is known yet')),
  )
  app.addHook('onClose', async () => callers.close())

  app.setValidatorCompiler(requestChecker)
  // What a handler returns is what is sent. That it fits the documented schema is for the tests to say.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  addSharedSchemas(app)
  installProblems(app, clock)
  installJsonBody(app)
  const authorisation = installAuthorisation(app, access, callers, clock.now)
  installAudit(app, dependencies)
  documentationRoutes(app, dependencies)
  for (const routes of [
    operationRoutes,
    regionRoutes,
    registrationRoutes,
    decisionRoutes,
    fleetRoutes,
    auditRoutes,
    latencyRoutes,
  ]) {
    app.register(async scope => routes(scope, dependencies))
  }
  app.register(async scope => tokenRoutes(scope, dependencies, callers))
  app.register(async scope => eventRoutes(scope, dependencies, callers))
  return Object.assign(app, {
    useAccess(next: Access) {
      callers.use(next)
      authorisation.use(next)
    },
  })
}

/**
 * A certificate is asked for, not demanded: tokens are the other way in. One that the client CA has not signed counts as
 * none. Fastify has another type for a server with TLS, which is the same to everything here.
 */
function tlsOptions(tls: TlsMaterial | undefined): object {
  if (tls === undefined) return {}
  const { cert, key, clientCa } = tls
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false }
  return { https: { cert, key, minVersion: 'TLSv1.2', ...clients } }
}
