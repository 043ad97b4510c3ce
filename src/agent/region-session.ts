/**
 * What is between one region and the control API: its registration, the epoch and the sequence of its reports, and how it
 * takes its leave. Knows nothing of when any of it happens.
 */

import type { Region } from '../regions/region.ts'
import type { ControlApi, Reply } from './control-api.ts'
import type { Load } from './metrics-mapping.ts'

/** Tells a drain of an agent's own from one of an operator's, which an agent never takes back. */
export const leavingReason = 'its agent is stopping'

/** How long a registration is believed where the API does not say. */
const usualLeaseMs = 10_000

export interface SessionEvents {
  registered(epoch: number): void
  /** The API knows this registration no more, or knows a newer one. */
  forgotten(detail: string): void
  /** Somebody else registers the region, too, again and again. Told once, instead of the other two. */
  contested(): void
}

export interface Drain {
  readonly reason: string
  readonly by: string
}

export class RegionSession {
  readonly #api: ControlApi
  readonly #region: Region
  readonly #events: SessionEvents
  readonly #path: string
  #epoch: number | undefined
  #sequence = 0
  #leaseMs = usualLeaseMs
  readonly #contest = createContest()

  constructor(api: ControlApi, region: Region, events: SessionEvents) {
    this.#api = api
    this.#region = region
    this.#events = events
    this.#path = `v1/regions/${region.id}`
  }

  get isRegistered(): boolean {
    return this.#epoch !== undefined
  }

  get leaseMs(): number {
    return this.#leaseMs
  }

  /** Registers the region where it has to be, and sends the report; at once again where the API has lost it. */
  async report(load: Load): Promise<Reply> {
    if (!this.isRegistered) {
      const registration = await this.#register()
      if (registration.kind !== 'done') return registration
    }
    const reply = await this.heartbeat(load)
    if (reply.kind !== 'refused' || !isForgotten(reply)) {
      if (reply.kind === 'done') this.#contest.hold()
      return reply
    }
    const isTaken = reply.error.code === 'REPORT_OUTDATED'
    if (isTaken && this.#contest.lose() === 'contested') this.#events.contested()
    if (!this.#contest.isOn) this.#events.forgotten(reply.error.message)
    this.#epoch = undefined
    const registration = await this.#register()
    return registration.kind === 'done' ? this.heartbeat(load) : registration
  }

  /** Sends the report of a registered region, whatever comes of it. */
  heartbeat(load: Load): Promise<Reply> {
    const report = { ...load, epoch: this.#epoch, sequence: ++this.#sequence }
    return this.#api.call('POST', `${this.#path}/heartbeat`, report)
  }

  async #register(): Promise<Reply> {
    const reply = await this.#api.call('PUT', this.#path, this.#region)
    if (reply.kind !== 'done') return reply
    const { epoch, leaseMs } = reply.value as { readonly epoch?: unknown; readonly leaseMs?: unknown }
    if (typeof epoch !== 'number') {
      return { kind: 'unreachable', detail: 'the answer to the registration has no epoch', retryAfterMs: 0 }
    }
    this.#epoch = epoch
    this.#sequence = 0
    if (typeof leaseMs === 'number' && leaseMs > 0) this.#leaseMs = leaseMs
    if (!this.#contest.isOn) this.#events.registered(epoch)
    return reply
  }

  /** The drain that lies on the region, where there is one and the token may read. */
  async drainOf(): Promise<Drain | undefined> {
    const reply = await this.#api.call('GET', this.#path)
    return reply.kind === 'done' ? (reply.value as { readonly drain?: Drain }).drain : undefined
  }

  drain(): Promise<Reply> {
    return this.#api.call('POST', `${this.#path}/drain`, { reason: leavingReason })
  }

  undrain(): Promise<Reply> {
    return this.#api.call('POST', `${this.#path}/undrain`)
  }

  remove(): Promise<Reply> {
    return this.#api.call('DELETE', this.#path)
  }
}

/** So many losses of the registration are no accident, unless so many reports in a row were taken between two of them. */
const lossesOfContest = 3
const heldToEnd = 10

/** Tells a region that was registered anew once, by an operator or a restart, from one that two agents speak for. */
function createContest() {
  let losses = 0
  let held = 0
  return {
    get isOn() {
      return losses >= lossesOfContest
    },
    /** The registration was somebody else's. @returns `contested` when that begins to be a pattern */
    lose(): 'contested' | undefined {
      held = 0
      return ++losses === lossesOfContest ? 'contested' : undefined
    },
    /** A report was taken. */
    hold(): void {
      if (++held >= heldToEnd) losses = 0
    },
  }
}

/** 404: the store is new. 409: it was registered again, by whomever. Only registering again helps. */
export function isForgotten(reply: Reply): boolean {
  return reply.kind === 'refused' && ['REGION_UNKNOWN', 'REPORT_OUTDATED'].includes(reply.error.code)
}
