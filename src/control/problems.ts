/**
 * Every error leaves as a problem document (RFC 9457), whoever found it: our own code, Fastify, or the HTTP parser.
 *
 * Faults of ours are logged here, once, and told to a client without their insides.
 */

import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import { type ErrorCode, errorCatalogue, MeridianError } from '../errors.ts'
import { shown } from '../schema.ts'
import type { ControlServer } from './dependencies.ts'
import { createOutageLog, isOfStore } from './outage-log.ts'

export const problemType = 'application/problem+json'

/** Error handler, and answers to unknown paths and methods. Before any route is added. */
export function installProblems(app: ControlServer, clock: Clock): void {
  const outage = createOutageLog(app.log, clock)
  app.addHook('onClose', async () => outage.close())
  const known = new MethodsByPath()
  app.addHook('onRoute', ({ url, method }) => known.add(url, [method].flat()))
  app.setErrorHandler((error: FastifyError | MeridianError, request, reply) => {
    const problem = asMeridianError(error, request)
    if (errorCatalogue[problem.code].status === 500) request.log.error(error)
    if (isOfStore(problem.code)) outage.note(problem)
    return sendProblem(reply, problem)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!
    const methods = known.methodsOf(path)
    if (methods.length > 0) reply.header('allow', methods.join(', '))
    return sendProblem(reply, unknownTarget(request.method, path, methods))
  })
}

/** For Fastify's `frameworkErrors`: URLs that it cannot even route. */
export function refuseUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, new MeridianError('REQUEST_INVALID', `${shown(request.url)} is not a URL path: ${error.message}`))
}

/** For Fastify's `clientErrorHandler`: bytes that are no HTTP request. There is no request yet to answer through. */
export function answerMalformedRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return
  const problem = malformation(error).toProblem()
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: ${problemType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

function malformation({ code }: NodeJS.ErrnoException): MeridianError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new MeridianError('HEADERS_TOO_LARGE', `the header fields are longer than ${maxHeaderSize} bytes`)
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new MeridianError('REQUEST_TIMEOUT', 'the request did not arrive whole in time')
  }
  return new MeridianError('REQUEST_INVALID', `what arrived is not HTTP/1.1 (${code})`)
}

function sendProblem(reply: FastifyReply, error: MeridianError): FastifyReply {
  const problem = error.toProblem(reply.request.url)
  reply.request.failure = problem.code
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(problem.status).type(problemType).send(JSON.stringify(problem))
}

/** Fastify's own errors that a client can cause, in our words. */
const translations: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['BODY_TOO_LARGE', 'the body is larger than 64 KiB'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    'MEDIA_TYPE_UNSUPPORTED',
    'send the body as JSON, with Content-Type: application/json',
  ],
  FST_ERR_CTP_INVALID_JSON_BODY: ['REQUEST_INVALID', 'the body is not valid JSON'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['REQUEST_INVALID', 'the body is empty, but Content-Type says application/json'],
}

function asMeridianError(error: FastifyError | MeridianError, request: FastifyRequest): MeridianError {
  if (error instanceof MeridianError) return error
  const translation = translations[error.code]
  if (translation !== undefined) return new MeridianError(...translation, { cause: error })
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new MeridianError('REQUEST_INVALID', error.message, { cause: error })
  }
  return new MeridianError('INTERNAL', `${request.method} ${request.url} failed; the log has the cause`, {
    cause: error,
  })
}

function unknownTarget(method: string, path: string, methods: readonly string[]): MeridianError {
  if (methods.length > 0) {
    return new MeridianError('METHOD_UNSUPPORTED', `${shown(path)} knows ${methods.join(', ')}, not ${method}`)
  }
  if (/\/\.{1,2}(?:\/|$)/.test(path)) {
    return new MeridianError('REQUEST_INVALID', `${shown(path)} has . or .. in it: write the path without`)
  }
  return new MeridianError('ROUTE_UNKNOWN', `there is nothing at ${shown(path)}; /openapi.json lists what is`)
}

/** Fastify tells an unknown method from an unknown path by nothing, so the routes are noted as they are added. */
class MethodsByPath {
  readonly #routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()

  add(url: string, methods: readonly string[]): void {
    const pattern = new RegExp(`^${url.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}$`)
    const route = this.#routes.get(url) ?? { pattern, methods: new Set() }
    for (const method of methods) route.methods.add(method)
    this.#routes.set(url, route)
  }

  methodsOf(path: string): string[] {
    return [...this.#routes.values()].flatMap(({ pattern, methods }) => (pattern.test(path) ? [...methods] : []))
  }
}
