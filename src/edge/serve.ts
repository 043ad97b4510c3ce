/**
 * One exchange from its request to the record of how it ended: read, match, decide, answer.
 *
 * Knows no engine: requests and answers are the interfaces of `exchange.ts`.
 */

import type { Clock, Random } from '../clock.ts'
import type { Priority, Rule } from '../config/rule.ts'
import { type ErrorCode, MeridianError } from '../errors.ts'
import type { ClientAddress } from '../geo/address.ts'
import type { Region } from '../regions/region.ts'
import type { Decision, FollowingRouter } from '../routing/decision.ts'
import { type Answer, emptyAnswer, problemAnswer, sendAnswer } from './answer.ts'
import { type ClientAddressSettings, type ClientIdentity, identifyClient, parsePeer } from './client-address.ts'
import { corsFields, preflightAnswer, preflightMethod } from './cors.ts'
import { decideAnswer } from './decide.ts'
import { type EdgeRequest, type EdgeResponse, type Fields, listOf } from './exchange.ts'
import type { Forwarder } from './forwarder.ts'
import type { EdgeObserver } from './observer.ts'
import { proxy } from './proxy.ts'
import { clientAnswerFields, originRequestFields } from './proxy-fields.ts'
import { type Asked, readRequest } from './read-request.ts'
import { redirectAnswer } from './redirect.ts'
import type { KeptBytes } from './replayable-body.ts'
import { requestIdOf } from './request-id.ts'

export interface ServingDependencies {
  readonly router: FollowingRouter
  readonly forwarder: Forwarder
  readonly clientAddress: ClientAddressSettings
  readonly clock: Clock
  readonly random: Random
  readonly requestId: () => string
  readonly observer: EdgeObserver
  /** What all exchanges together keep of bodies in case they have to be sent again. */
  readonly kept: KeptBytes
  readonly settings: {
    readonly maxUrlBytes: number
    readonly maxHops: number
    readonly maxTries: number
    readonly retryAfterSeconds: number
  }
}

/** Serves one exchange; never throws. A fault of ours costs this exchange, not the router. */
export function serveExchange(dependencies: ServingDependencies, request: EdgeRequest, response: EdgeResponse): void {
  const peer = parsePeer(request.peer)
  // The peer left before it was looked at: there is nobody to answer.
  if (peer === undefined) {
    response.cut()
    return
  }
  const exchange = new Exchange(dependencies, request, response, peer)
  try {
    exchange.serve()
  } catch (error) {
    dependencies.observer.onFault?.(error, exchange.requestId)
    exchange.fail(new MeridianError('INTERNAL', 'The router ran into a fault of its own, which it has logged.'))
  }
}

class Exchange {
  readonly requestId: string
  readonly #dependencies: ServingDependencies
  readonly #request: EdgeRequest
  readonly #response: EdgeResponse
  readonly #client: ClientIdentity
  readonly #startedAt: number
  // What the record tells, filled in as it becomes known.
  #asked: Asked | undefined
  #rule: Rule | undefined
  #decision: Decision | undefined
  #region: Region | undefined
  #tries = 0
  #status = 0
  #errorCode: ErrorCode | undefined

  constructor(dependencies: ServingDependencies, request: EdgeRequest, response: EdgeResponse, peer: ClientAddress) {
    const { clientAddress, clock } = dependencies
    const { header } = clientAddress
    this.#dependencies = dependencies
    this.#request = request
    this.#response = response
    this.#startedAt = clock.now()
    this.#client = identifyClient(clientAddress, peer, header === undefined ? undefined : request.field(header))
    this.requestId = requestIdOf(request.field('x-request-id'), this.#client.peerTrusted, dependencies.requestId)
    response.onClose(whole => this.#tell(whole))
  }

  serve(): void {
    const outcome = this.#decide()
    if (outcome instanceof MeridianError) this.fail(outcome)
    else if (outcome !== undefined) this.#answer(outcome)
  }

  /** Answers with a problem document, or breaks off where an answer has begun. */
  fail(error: MeridianError): void {
    this.#errorCode = error.code
    if (this.#response.started) {
      this.#response.cut()
      return
    }
    const seconds = this.#retryAfterSeconds(error.code)
    const retryAfter = seconds === undefined ? [] : ['Retry-After', String(seconds)]
    this.#answer(problemAnswer(error, this.requestId, retryAfter))
  }

  /** @returns what to answer at once; undefined where a region is being asked */
  #decide(): Answer | MeridianError | undefined {
    const { router, settings } = this.#dependencies
    const request = this.#request
    const asked = readRequest(request, settings)
    if (asked instanceof MeridianError) return asked
    this.#asked = asked
    const { host, target } = asked
    if (target.form === 'asterisk') return emptyAnswer(204, ['Allow', 'GET, HEAD, OPTIONS'])

    // A preflight asks about another method, so it is that method's rule that speaks; it dispatches nothing.
    const preflight = preflightMethod(request)
    this.#rule = router.match(host, target.path, preflight ?? request.method)
    if (preflight !== undefined && this.#rule.cors !== undefined) return preflightAnswer(this.#rule.cors)
    if (preflight !== undefined) this.#rule = router.match(host, target.path, request.method)

    if (this.#rule.transport === 'proxy' && asksForUpgrade(request)) return upgradeUnsupported()
    return this.#route(asked, this.#rule)
  }

  #route({ host, target }: Asked, rule: Rule): Answer | MeridianError | undefined {
    const request = this.#request
    const decision = this.#dependencies.router.route({
      address: this.#client.address,
      host,
      path: target.path,
      method: request.method,
      header: name => request.field(name),
      chance: this.#dependencies.random(),
    })
    this.#decision = decision
    if (decision.shed !== undefined) return overloaded(rule, decision.shed)
    if (decision.best === undefined) return noRegion(rule)
    if (rule.transport === 'proxy') {
      this.#proxy(decision, target.pathAndQuery)
      return undefined
    }
    this.#region = decision.best
    if (rule.transport === 'decide') return decideAnswer(decision, decision.best, target.pathAndQuery)
    return redirectAnswer(rule.status, decision.best, target.pathAndQuery)
  }

  #proxy(decision: Decision, path: string): void {
    const { clientAddress, settings } = this.#dependencies
    const fields = originRequestFields(this.#request, {
      client: this.#client,
      requestId: this.requestId,
      authority: this.#asked!.authority,
      clientAddressHeader: clientAddress.header,
    })
    proxy(
      { ...this.#dependencies, maxTries: settings.maxTries },
      {
        request: this.#request,
        response: this.#response,
        requestId: this.requestId,
        decision,
        path,
        fields,
        answerFields: (region, status, fields) =>
          clientAnswerFields(fields, status, this.#addedFields(region), this.#rule?.cors !== undefined),
        onTry: () => {
          this.#tries++
        },
        onAnswer: (region, status) => {
          this.#region = region
          this.#status = status
        },
        onFailure: error => this.fail(error),
      },
    )
  }

  #answer(answer: Answer): void {
    this.#status = answer.status
    const fields = [...answer.fields, ...this.#addedFields(this.#region)]
    sendAnswer(this.#response, this.#request.method, { ...answer, fields })
  }

  /** What the router says of itself on every answer. */
  #addedFields(region: Region | undefined): Fields {
    const regionField = region === undefined ? [] : ['X-Meridian-Region', region.id]
    const cors = corsFields(this.#rule?.cors, this.#request.field('origin'))
    return [...regionField, 'X-Request-Id', this.requestId, ...cors]
  }

  /** By chance, so that clients that were refused together do not come back together: 1 to 5 where it is a matter of load. */
  #retryAfterSeconds(code: ErrorCode): number | undefined {
    const { random, settings } = this.#dependencies
    if (code === 'OVERLOADED') return 1 + Math.floor(5 * random())
    return code === 'NO_REGION' ? Math.max(1, Math.round(settings.retryAfterSeconds * (0.5 + random()))) : undefined
  }

  #tell(whole: boolean): void {
    this.#dependencies.observer.onExchange?.({
      requestId: this.requestId,
      client: this.#client.address,
      method: this.#request.method,
      host: this.#asked?.host ?? '',
      path: this.#asked?.target.path ?? '',
      rule: this.#rule?.name,
      transport: this.#rule?.transport,
      reason: this.#decision?.reason,
      degraded: this.#decision?.degraded,
      region: (this.#region ?? this.#decision?.best)?.id,
      tries: this.#tries,
      status: this.#status,
      whole,
      bodyBytes: this.#response.bodyBytes,
      durationMs: this.#dependencies.clock.now() - this.#startedAt,
      errorCode: this.#errorCode,
      shed: this.#decision?.shed,
    })
  }
}

/** `h2c` is an offer that a server is free to ignore (RFC 9110 §7.8), and some clients make it every time. */
function asksForUpgrade(request: EdgeRequest): boolean {
  return listOf(request.field('upgrade')).some(protocol => protocol !== 'h2c')
}

function upgradeUnsupported(): MeridianError {
  return new MeridianError(
    'UPGRADE_UNSUPPORTED',
    'This router proxies requests and answers only. Use a redirect rule for this path, or connect to a region directly.',
  )
}

function overloaded({ name }: Rule, priority: Priority): MeridianError {
  return new MeridianError(
    'OVERLOADED',
    `Every region that may serve this by rule ${name} is full, and requests of priority ${priority} give way. Try again later.`,
  )
}

function noRegion(rule: Rule): MeridianError {
  return new MeridianError(
    'NO_REGION',
    `Rule ${rule.name} has no region for this request, not even a doubtful one. Its operator sees why with: meridian explain IP --host HOST --path PATH`,
  )
}
