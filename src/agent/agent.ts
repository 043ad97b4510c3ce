/**
 * The agent beside a region: registers it with the routers, says every two seconds that it is alive and how busy it is,
 * and takes it out of service before it stops.
 *
 * `meridian agent` runs it as a process of its own; a service can run it inside itself (`meridian-router/agent`).
 */

import { MeridianError } from '../errors.ts'
import { reportsOtherCapacity } from '../regions/load-report.ts'
import { type AgentEvent, createCondition, type Tell } from './agent-events.ts'
import { type AgentOptions, type AgentSettings, parseAgentOptions, type RegionDescription } from './agent-options.ts'
import { glanceEveryMs, heartbeatDelayMs, intervalWithin, retryDelayMs } from './backoff.ts'
import { createControlApi, type Reply } from './control-api.ts'
import { leave } from './leave.ts'
import { createLoadSources, type LoadSources } from './load-sources.ts'
import type { Load, MetricsMapping } from './metrics-mapping.ts'
import { leavingReason, RegionSession } from './region-session.ts'
import { machine, type Surroundings } from './surroundings.ts'

export interface Agent {
  /**
   * Resolves with the first registration. Rejects when the control API refuses it (a wrong token, an endpoint that is not
   * allowed, an invalid region), which ends the agent, and when the agent is stopped before. May be left alone.
   */
  readonly registered: Promise<void>
  /**
   * Drains the region, waits until nothing is in flight or for `drainLimitMs`, withdraws the registration. Never rejects;
   * called again, it is the same leave-taking.
   */
  stop(): Promise<void>
}

/**
 * Starts an agent; it keeps no process alive by itself.
 *
 * @param around for tests: time, chance, files and network
 * @throws MeridianError CONFIG_INVALID with every fault of the options
 */
export function startAgent(options: AgentOptions, around: Surroundings = machine): Agent {
  const settings = parseAgentOptions(options)
  return new RunningAgent(settings, around, (kind, message) => options.onEvent?.({ kind, message }))
}

export type { AgentEvent, AgentOptions, Load, MetricsMapping, RegionDescription, Surroundings }

class RunningAgent implements Agent {
  readonly registered: Promise<void>
  readonly #settings: AgentSettings
  readonly #around: Surroundings
  readonly #tell: Tell
  readonly #sources: LoadSources
  readonly #session: RegionSession
  readonly #running: Promise<void>
  #outcome = Promise.withResolvers<void>()
  #isFirst = true
  /** At the last heartbeat: whether the service passed its check, and what was said of it the last time that it did. */
  #wasWell = false
  #told: Load = {}
  #stopped: Promise<void> | undefined
  #wake = (): void => {}

  constructor(settings: AgentSettings, around: Surroundings, tell: Tell) {
    this.#settings = settings
    this.#around = around
    this.#tell = tell
    this.#sources = createLoadSources(settings, around, tell)
    const { clock, fetch, controlFetch = fetch } = around
    const api = createControlApi({ urls: settings.control, token: settings.token, fetch: controlFetch, clock })
    const { id } = settings.region
    this.#session = new RegionSession(api, settings.region, {
      registered: epoch => tell('registered', `${id} is registered with ${api.current.href} (epoch ${epoch})`),
      contested: () =>
        tell(
          'contested',
          `another agent speaks for ${id}, too: each takes the registration from the other at every heartbeat; stop one of the two`,
        ),
      forgotten: detail => tell('forgotten', `${detail}: ${id} is registered again`),
    })
    this.registered = this.#outcome.promise
    // Whoever does not ask has `onEvent`; a refusal must not bring down the service that the agent is in.
    this.registered.catch(() => {})
    this.#running = this.#run()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#leave()
    return this.#stopped
  }

  async #leave(): Promise<void> {
    this.#wake()
    await this.#running
    this.#outcome.reject(new MeridianError('CONTROL_UNREACHABLE', 'the agent was stopped before it had registered'))
    const { clock } = this.#around
    const { measure } = this.#sources
    await leave({ session: this.#session, measure, clock, tell: this.#tell, limitMs: this.#settings.drainLimitMs })
  }

  /** Heartbeats until the agent is stopped or, at first, refused. */
  async #run(): Promise<void> {
    const { clock, random } = this.#around
    const control = createCondition(this.#tell)
    let failures = 0
    while (this.#stopped === undefined) {
      const startedAt = clock.now()
      const reply = await this.#beat()
      const intervalMs = intervalWithin(this.#session.leaseMs, this.#settings.heartbeatMs)
      if (reply === undefined || reply.kind === 'done') {
        failures = 0
        if (reply !== undefined) control.isWell('control-back', 'the control API takes reports again')
        const delayMs = heartbeatDelayMs(intervalMs, random) - (clock.now() - startedAt)
        if (this.#stopped === undefined) await this.#watch(Math.max(0, delayMs), glanceEveryMs(intervalMs))
      } else {
        if (this.#isFinal(reply)) return
        if (reply.kind === 'unreachable')
          control.fails('control-lost', `no control API takes reports (${reply.detail})`)
        else control.fails('control-refused', reply.error.message)
        const delayMs = Math.max(retryDelayMs(++failures, intervalMs, random), reply.retryAfterMs)
        if (this.#stopped === undefined) await this.#pause(delayMs)
      }
    }
  }

  /** Until the next heartbeat is due, or until something has happened that should not wait for it. */
  async #watch(delayMs: number, glanceMs: number): Promise<void> {
    const { clock } = this.#around
    const dueAt = clock.now() + delayMs
    for (;;) {
      const leftMs = dueAt - clock.now()
      await this.#pause(Math.max(0, Math.min(leftMs, glanceMs)))
      if (this.#stopped !== undefined || leftMs <= glanceMs) return
      // A service that hangs does not hold the heartbeat back.
      const due = this.#pause(Math.max(0, dueAt - clock.now())).then(() => true)
      const isOver = await Promise.race([this.#isUrgent(), due])
      this.#wake()
      if (isOver || this.#stopped !== undefined) return
    }
  }

  async #isUrgent(): Promise<boolean> {
    const [isWell, load] = await Promise.all([this.#sources.isWell(), this.#sources.glance()])
    // Of a service that fails its check nothing is said: that it does so again is no news, that it is back is.
    if (isWell !== this.#wasWell) return isWell
    return isWell && isNews(this.#told, load)
  }

  /** Undefined: nothing was said, since the service is not well. */
  async #beat(): Promise<Reply | undefined> {
    const [isWell, load] = await Promise.all([this.#sources.isWell(), this.#sources.measure()])
    this.#wasWell = isWell
    if (!isWell || this.#stopped !== undefined) return undefined
    this.#told = load
    const reply = await this.#session.report(load)
    if (this.#session.isRegistered && this.#isFirst) {
      this.#isFirst = false
      this.#outcome.resolve()
      await this.#endOwnDrain()
    }
    return reply
  }

  /** A refusal before anything else was said is a mistake in what the agent was told: nothing gets better by waiting. */
  #isFinal(reply: Reply): boolean {
    if (!this.#isFirst || reply.kind !== 'refused' || reply.retryAfterMs > 0) return false
    this.#tell('refused', reply.error.message)
    this.#outcome.reject(reply.error)
    return true
  }

  /** An agent that was killed on its way out leaves its drain behind; one that an operator set is not for us to end. */
  async #endOwnDrain(): Promise<void> {
    const drain = await this.#session.drainOf()
    if (drain === undefined) return
    if (drain.reason === leavingReason && (await this.#session.undrain()).kind === 'done') return
    const { id } = this.#settings.region
    this.#tell('drained', `${id} is drained by ${drain.by} and gets no clients until "meridian regions undrain ${id}"`)
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#around.clock.after(delayMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** Worth a heartbeat of its own: what routers send there by the old numbers would have to wait. */
function isNews(told: Load, load: Load): boolean {
  const isOtherCapacity = load.capacityRequests !== undefined && reportsOtherCapacity(told, load)
  return isOtherCapacity || ((told.queueDepth ?? 0) === 0 && (load.queueDepth ?? 0) > 0)
}
