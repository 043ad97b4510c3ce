/** The API's own document (OpenAPI 3.1) and a page to read and try it on, which loads nothing from anywhere else. */

import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Type from 'typebox'
import type { ControlDependencies, ControlServer } from './dependencies.ts'
import { answer, answers } from './schemas.ts'

/** The page's own files only; the inline styles and data images are the Swagger UI's. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Before the routes that it documents. */
export function documentationRoutes(app: ControlServer, { version }: ControlDependencies): void {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Meridian control API',
        version,
        description:
          'Registers regions, asks for decisions, and explains them. Errors are problem documents (RFC 9457).',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, index) => String($id ?? `schema-${index}`) },
    transform: ({ schema, url, route }) => {
      const { right, orRight } = route.config ?? {}
      const security = [right, orRight].flatMap(name => (name === undefined ? [] : [{ token: [name] }]))
      return { url, schema: right === undefined ? schema : { ...schema, security } }
    },
    transformObject: documents => ('openapiObject' in documents ? wordExpectations(documents.openapiObject) : {}),
  })
  app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    theme: { title: 'Meridian control API' },
    uiConfig: { tryItOutEnabled: true, persistAuthorization: false },
  })
  app.register(async scope => {
    scope.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs'))
    scope.get(
      '/openapi.json',
      {
        schema: {
          tags: ['documentation'],
          summary: 'This document',
          response: answers({ 200: answer('OpenAPI 3.1', Type.Object({})) }),
        },
      },
      async () => app.swagger(),
    )
  })
}

/** Our schemas word their own faults in `expected`; to a reader of the document that is a description. */
function wordExpectations<T>(document: T): T {
  const text = JSON.stringify(document, (_key, value) => {
    if (typeof value?.expected !== 'string') return value
    const { expected, ...schema } = value
    return { description: expected, ...schema }
  })
  return JSON.parse(text) as T
}
