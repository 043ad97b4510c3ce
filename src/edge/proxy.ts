/**
 * Transport `proxy`: carries one exchange to the best region, and walks on to the next one where that is safe.
 *
 * Safe means that the failed region cannot have acted on the request, or that acting twice does no harm: nothing was sent,
 * or the method is idempotent, its body untouched and no answer had begun (RFC 9110 §9.2.2). A region that answers 429, or 503
 * with Retry-After, says that it did not take the request and that asking again is fine: that is done elsewhere at once, where
 * the body can still be sent and the other region has not asked to be spared as well. A region is tried once.
 */

import type { Clock, Random } from '../clock.ts'
import { MeridianError } from '../errors.ts'
import { originUrlOf, type Region } from '../regions/region.ts'
import type { Candidate, Decision, Flight, FollowingRouter } from '../routing/decision.ts'
import type { EdgeRequest, EdgeResponse, Fields } from './exchange.ts'
import type { FailureKind, Forwarder, ForwardFailure, ForwardHandler, Forwarding } from './forwarder.ts'
import type { EdgeObserver } from './observer.ts'
import { clientTrailers } from './proxy-fields.ts'
import { refusalMs } from './refusal.ts'
import { type KeptBytes, ReplayableBody } from './replayable-body.ts'

export interface ProxyDependencies {
  /** Told what is under way where. */
  readonly router: Pick<FollowingRouter, 'follow'>
  readonly forwarder: Forwarder
  readonly observer: EdgeObserver
  readonly clock: Clock
  readonly random: Random
  /** What is kept of bodies in case they have to be sent again. */
  readonly kept: KeptBytes
  /** Regions tried at most for one request. */
  readonly maxTries: number
}

export interface ProxyJob {
  readonly request: EdgeRequest
  readonly response: EdgeResponse
  readonly requestId: string
  readonly decision: Decision
  /** Path and query for the origin. */
  readonly path: string
  /** Fields for the origin. */
  readonly fields: Fields
  /** Fields for the client, made from those of a region's answer. */
  answerFields(region: Region, status: number, fields: Fields): Fields
  onTry(): void
  /** An answer begins. */
  onAnswer(region: Region, status: number): void
  /** No answer, and nothing left that is safe to try. */
  onFailure(error: MeridianError): void
}

const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'])

/** Carries the exchange; the region's work is cancelled at once when the client leaves. */
export function proxy(dependencies: ProxyDependencies, job: ProxyJob): void {
  const regions = regionsToTry(job.decision, dependencies.maxTries)
  const failures: string[] = []
  const body = job.request.hasBody ? new ReplayableBody(job.request.body(), dependencies.kept) : undefined
  const client: Client = { left: false, bodyRead: false, body }
  let wasRefused = false
  let attempt: Attempt | undefined

  const isSafe = (kind: FailureKind) =>
    kind === 'connect' || (kind === 'broken' && idempotent.has(job.request.method) && !client.bodyRead)

  const onFailure = (region: Region, { kind }: ForwardFailure): void => {
    failures.push(`${region.id}: ${failureWords[kind]}`)
    if (!isSafe(kind) || !tryNext()) job.onFailure(noAnswer(wasRefused ? 'refused' : kind, failures))
  }

  const onRefusal = (region: Region): boolean => {
    if (body?.isReplayable === false) return false
    wasRefused = true
    failures.push(`${region.id}: ${failureWords.refused}`)
    return tryNext()
  }

  const tryNext = (): boolean => {
    const region = nextRegion(regions, wasRefused)
    if (region === undefined) return false
    job.onTry()
    attempt = new Attempt(dependencies, job, client, region, {
      failed: failure => onFailure(region, failure),
      refused: () => onRefusal(region),
    })
    attempt.begin()
    return true
  }

  job.response.onClose(() => {
    client.left = true
    body?.forget()
    attempt?.cancel()
  })
  tryNext()
}

/** What the tries know of the client's side. */
interface Client {
  left: boolean
  bodyRead: boolean
  readonly body: ReplayableBody | undefined
}

/** What comes after a try that gave no answer to pass on. */
interface Sequel {
  failed(failure: ForwardFailure): void
  /** @returns whether another region is asked instead */
  refused(): boolean
}

/** Bytes of an unwanted answer that are read away to keep the connection. */
const mostUnwantedBytes = 65_536

/** One try at one region. */
class Attempt implements ForwardHandler {
  readonly #dependencies: ProxyDependencies
  readonly #job: ProxyJob
  readonly #client: Client
  readonly #region: Region
  readonly #sequel: Sequel
  readonly #startedAt: number
  #forwarding: Forwarding | undefined
  #flight: Flight | undefined
  #firstByteMs: number | undefined
  #status: number | undefined
  #finished = false
  #refused = false
  #unwantedBytes = 0
  #awaitsDrain = false

  constructor(dependencies: ProxyDependencies, job: ProxyJob, client: Client, region: Region, sequel: Sequel) {
    this.#dependencies = dependencies
    this.#job = job
    this.#client = client
    this.#region = region
    this.#sequel = sequel
    this.#startedAt = dependencies.clock.now()
  }

  begin(): void {
    const { router, forwarder, observer } = this.#dependencies
    const { request, requestId, decision, path, fields } = this.#job
    this.#flight = router.follow(decision, this.#region.id)
    observer.onDispatch?.({ region: this.#region.id, requestId })
    const body = this.#client.body && this.#readBody(this.#client.body)
    const origin = originUrlOf(this.#region)
    this.#forwarding = forwarder.forward({ origin, method: request.method, path, fields, body }, this)
  }

  cancel(): void {
    if (this.#finished) return
    this.#forwarding?.cancel()
    this.#finish({ cancelled: true })
  }

  onInform(status: number, fields: Fields): void {
    this.#job.response.inform(status, fields)
  }

  onStart(status: number, fields: Fields): void {
    this.#firstByteMs = this.#dependencies.clock.now() - this.#startedAt
    this.#status = status
    const { clock, random } = this.#dependencies
    const waitMs = refusalMs(status, fields, clock.now(), random)
    if (waitMs !== undefined) {
      this.#refused = true
      this.#flight?.refused(waitMs)
      if (this.#sequel.refused()) {
        this.#finish({ cancelled: false })
        return
      }
    }
    this.#client.body?.forget()
    this.#job.onAnswer(this.#region, status)
    this.#job.response.start(status, this.#job.answerFields(this.#region, status, fields))
  }

  onData(chunk: Uint8Array): boolean {
    if (this.#finished) return this.#readAway(chunk)
    if (this.#job.response.write(chunk)) return true
    if (!this.#awaitsDrain) {
      this.#awaitsDrain = true
      this.#job.response.onDrain(() => {
        this.#awaitsDrain = false
        this.#forwarding?.resume()
      })
    }
    return false
  }

  onEnd(trailers: Fields): void {
    if (this.#finished) return
    this.#job.response.end('', clientTrailers(trailers))
    this.#finish({ cancelled: false })
  }

  onFailure(failure: ForwardFailure): void {
    if (this.#finished) return
    if (this.#client.left) this.#finish({ cancelled: true })
    else this.#finish({ cancelled: false, failure: failure.kind, detail: failure.error.message })
    // A status line that was sent cannot be taken back: all that is left is to show that the answer is not whole.
    if (this.#client.left || this.#job.response.started) this.#job.response.cut()
    else this.#sequel.failed(failure)
  }

  #readAway(chunk: Uint8Array): boolean {
    this.#unwantedBytes += chunk.byteLength
    if (this.#unwantedBytes > mostUnwantedBytes) this.#forwarding?.cancel()
    return true
  }

  async *#readBody(body: ReplayableBody): AsyncGenerator<Uint8Array> {
    this.#client.bodyRead = true
    try {
      yield* body.read()
    } catch (error) {
      this.#client.left = true
      throw error
    }
  }

  #finish(end: { cancelled: boolean; failure?: FailureKind; detail?: string }): void {
    this.#finished = true
    this.#flight?.end()
    this.#dependencies.observer.onFinish?.({
      region: this.#region.id,
      requestId: this.#job.requestId,
      durationMs: this.#dependencies.clock.now() - this.#startedAt,
      firstByteMs: this.#firstByteMs,
      status: this.#status,
      refused: this.#refused,
      ...end,
    })
  }
}

type Place = Pick<Candidate, 'region'> & Partial<Candidate>

/** The decision's regions, best first, none twice. The ranking behind the best is only built when it is asked for. */
function* regionsToTry(decision: Decision, max: number): Generator<Place, undefined> {
  const tried = new Set<string>()
  if (decision.best !== undefined) {
    tried.add(decision.best.id)
    yield { region: decision.best }
  }
  for (const candidate of decision.ranked) {
    if (tried.size >= max) return
    if (tried.has(candidate.region.id)) continue
    tried.add(candidate.region.id)
    yield candidate
  }
}

/** Whom to ask next: after a refusal nobody who asked to be spared, or a full fleet would be asked three times over. */
function nextRegion(regions: Generator<Place, undefined>, sparing: boolean): Region | undefined {
  for (let next = regions.next().value; next !== undefined; next = regions.next().value) {
    if (!sparing || next.standing !== 'hot') return next.region
  }
  return undefined
}

/** For clients: regions by name, never the addresses of origins. */
const failureWords: Readonly<Record<FailureKind | 'refused', string>> = {
  refused: 'too busy',
  connect: 'no connection',
  timeout: 'no answer in time',
  broken: 'connection lost before an answer',
}

function noAnswer(kind: FailureKind | 'refused', failures: readonly string[]): MeridianError {
  const message = `${failures.join('; ')}. Try again later, or ask the operator of the region.`
  if (kind === 'refused') return new MeridianError('OVERLOADED', message)
  return new MeridianError(kind === 'timeout' ? 'REGION_TIMEOUT' : 'REGION_UNREACHABLE', message)
}
