/**
 * The control API: Fastify on its own listener, put together from one plugin for each concern.
 *
 * Builds the server and nothing else: whoever calls listens, and closes it. Everything it needs comes in as plain
 * functions and interfaces, so that it knows neither where a snapshot comes from nor what a metric is.
 */

import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { LogController } from 'fastify'
import { installAuthorisation } from './authorisation.ts'
import { decisionRoutes } from './decision-routes.ts'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { documentationRoutes } from './documentation-routes.ts'
import { operationRoutes } from './operation-routes.ts'
import { answerMalformedRequest, installProblems, refuseUrl } from './problems.ts'
import { regionRoutes } from './region-routes.ts'
import { registrationRoutes } from './registration-routes.ts'
import { requestChecker } from './request-checker.ts'
import { addSharedSchemas } from './schemas.ts'

/** No region description or report comes near this. */
const bodyLimitBytes = 64 * 1024

/** An app to call `listen()` on, which rejects when the allowed endpoints are not valid (CONFIG_INVALID). */
export function createControlApp(dependencies: ControlDependencies): ControlServer {
  const { log } = dependencies
  const app: ControlServer = Fastify({
    ...(log === undefined ? {} : { loggerInstance: log }),
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

  app.setValidatorCompiler(requestChecker)
  // What a handler returns is what is sent. That it fits the documented schema is for the tests to say.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  addSharedSchemas(app)
  installProblems(app)
  installAuthorisation(app, dependencies.access)
  documentationRoutes(app, dependencies)
  for (const routes of [operationRoutes, regionRoutes, registrationRoutes, decisionRoutes]) {
    app.register(async scope => routes(scope, dependencies))
  }
  return app
}
