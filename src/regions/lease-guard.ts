/**
 * When a lapsed lease says nothing about its region.
 *
 * A lease that nobody could renew must not cost clients a healthy region. So no lapse counts while the store is in trouble,
 * nor for one full lease after: it cannot be read, it takes no writes, it has lost what it knew, or this process itself has
 * slept. And when a large part of the fleet falls silent at once, it is the ears that are broken: those regions are kept, as
 * `impaired`. Trouble is noticed later than it begins, so its first victims are taken back: lapses that counted, and were
 * young when it was noticed. An older one stays: no trouble revives who was gone before it.
 *
 * Pure: readings and the time go in, a verdict on every lapse comes out.
 */

import type { FleetRecord, FleetState } from './store.ts'

/**
 * Why a lapsed lease is not held against its region. `unheard`: nobody could renew it. `together`: too much of the fleet
 * fell silent at once.
 */
export type LapseExcuse = 'unheard' | 'together'

export interface GuardedFleet {
  /** With the regions that a store which came back empty has forgotten. */
  readonly fleet: FleetState
  /** By id; a lapsed lease that is not in here counts. */
  readonly excuses: ReadonlyMap<string, LapseExcuse>
  /** Share of the capacity that fell silent together, as a fraction; 0 while that is not so. */
  readonly silentShare: number
}

export interface LeaseGuard {
  /** @param now milliseconds on this machine's clock */
  review(fleet: FleetState, now: number): GuardedFleet
  /** The store could not be read: the last known fleet, none of whose leases lapse. Undefined before any reading. */
  missStore(now: number): GuardedFleet | undefined
  /** A fleet that was known before this process started; stands in for a reading until there is one. */
  assume(fleet: FleetState): void
}

export interface LeaseGuardOptions {
  readonly leaseMs: number
  /** How often readings are meant to come; much later means that this process has slept. */
  readonly everyMs: number
}

/** More of the capacity than this does not fail at once. */
const largestShare = 0.3
/** Lateness below this is an ordinary busy moment, ms. */
const leastSleepMs = 250

export function createLeaseGuard(options: LeaseGuardOptions): LeaseGuard {
  return new Guard(options)
}

class Guard implements LeaseGuard {
  readonly #leaseMs: number
  readonly #sleepMs: number
  /** Whoever lapsed less than this before trouble was noticed may be its victim: what nobody can renew ends within a lease. */
  readonly #youngMs: number
  #last: FleetState | undefined
  #lastAt: number | undefined
  #away = false
  /** On this machine's clock. */
  #lenientUntil = Number.NEGATIVE_INFINITY
  /** Whose lapse counts. */
  #out: ReadonlySet<string> = new Set()
  /** Registered, but forgotten by a store that came back empty. */
  #forgotten = new Map<string, FleetRecord>()

  constructor({ leaseMs, everyMs }: LeaseGuardOptions) {
    this.#leaseMs = leaseMs
    this.#sleepMs = everyMs + Math.max(leaseMs / 4, leastSleepMs)
    this.#youngMs = leaseMs + everyMs
  }

  assume(fleet: FleetState): void {
    this.#last = fleet
    this.#away = true
  }

  missStore(now: number): GuardedFleet | undefined {
    this.#away = true
    this.#lastAt = now
    if (this.#last === undefined) return undefined
    return this.#forgive(this.#last, lapsedOf(this.#last), this.#last.now, 'unheard')
  }

  review(reading: FleetState, now: number): GuardedFleet {
    const before = this.#last
    const slept = this.#lastAt !== undefined && now - this.#lastAt > this.#sleepMs
    const emptied = before !== undefined && before.incarnation !== reading.incarnation
    if (this.#away || slept || emptied || reading.writeFault !== undefined) this.#lenientUntil = now + this.#leaseMs
    if (emptied) this.#forgotten = new Map(before.records.filter(isRegistered).map(each => [each.region.id, each]))
    this.#away = false
    this.#lastAt = now
    const lenient = now < this.#lenientUntil
    const fleet = lenient ? this.#withForgotten(reading) : reading
    if (!lenient) this.#forgotten.clear()
    this.#last = fleet

    const lapsed = lapsedOf(fleet)
    if (before === undefined) this.#out = longGone(fleet, lapsed, this.#leaseMs)
    // How young a lapse was is a question for the last moment before the trouble, not for the end of a long sleep.
    if (lenient) return this.#forgive(fleet, lapsed, before?.now ?? fleet.now, 'unheard')
    const share = this.#silentShare(fleet, lapsed)
    if (share > 0) return { ...this.#forgive(fleet, lapsed, fleet.now, 'together'), silentShare: share }
    this.#out = idsOf(lapsed)
    return { fleet, excuses: new Map(), silentShare: 0 }
  }

  /** Regions of a file stand in for their registration only if that was withdrawn, not if it was forgotten. */
  #withForgotten(reading: FleetState): FleetState {
    if (this.#forgotten.size === 0) return reading
    for (const { region, source } of reading.records) if (source === 'registered') this.#forgotten.delete(region.id)
    const present = reading.records.filter(({ region }) => !this.#forgotten.has(region.id))
    const records = [...present, ...this.#forgotten.values()].sort((a, b) => (a.region.id < b.region.id ? -1 : 1))
    return { ...reading, records }
  }

  /** Only those stay out whose lapse had counted, and was old at `noticedAt` on the store's clock. */
  #forgive(fleet: FleetState, lapsed: readonly FleetRecord[], noticedAt: number, excuse: LapseExcuse): GuardedFleet {
    this.#out = idsOf(lapsed.filter(record => this.#isLongOut(record, noticedAt)))
    const excused = lapsed.filter(({ region }) => !this.#out.has(region.id))
    return { fleet, excuses: new Map(excused.map(({ region }) => [region.id, excuse])), silentShare: 0 }
  }

  /** Share of the capacity that fell silent together; 0 where that is not so. */
  #silentShare(fleet: FleetState, lapsed: readonly FleetRecord[]): number {
    const longOut = idsOf(lapsed.filter(record => this.#isLongOut(record, fleet.now)))
    const isInPlay = ({ region }: FleetRecord): boolean => !longOut.has(region.id)
    const silent = lapsed.filter(isInPlay)
    const share = shareOf(
      silent,
      fleet.records.filter(record => record.drain === undefined && isInPlay(record)),
    )
    // A region alone says more about itself than about the store, however large it is.
    return silent.length > 1 && share > largestShare ? share : 0
  }

  #isLongOut({ region, lease }: FleetRecord, at: number): boolean {
    return this.#out.has(region.id) && at - lease!.expiresAt >= this.#youngMs
  }
}

function isRegistered({ source }: FleetRecord): boolean {
  return source === 'registered'
}

/** Drained regions are left out: nobody is sent there, and they may well be switched off. */
function lapsedOf({ now, records }: FleetState): FleetRecord[] {
  return records.filter(({ lease, drain }) => drain === undefined && lease !== undefined && lease.expiresAt <= now)
}

/**
 * For a router that has just started: while others still renew, a lease that ended long ago is a region that is gone. Where
 * none holds, nobody could renew.
 */
function longGone({ now, records }: FleetState, lapsed: readonly FleetRecord[], leaseMs: number): Set<string> {
  if (!records.some(({ lease }) => lease !== undefined && lease.expiresAt > now)) return new Set()
  return idsOf(lapsed.filter(({ lease }) => now - lease!.expiresAt >= leaseMs))
}

function idsOf(records: readonly FleetRecord[]): Set<string> {
  return new Set(records.map(({ region }) => region.id))
}

/** Share of the capacity; a region that declares none counts as much as the mean of the others. */
function shareOf(some: readonly FleetRecord[], all: readonly FleetRecord[]): number {
  const declared = all.map(capacityOf).filter(capacity => capacity !== undefined)
  const mean = declared.length === 0 ? 1 : total(declared) / declared.length
  const sum = (of: readonly FleetRecord[]) => total(of.map(record => capacityOf(record) ?? mean))
  return some.length === 0 ? 0 : sum(some) / sum(all)
}

function capacityOf({ load, region }: FleetRecord): number | undefined {
  return load?.capacityRequests ?? region.capacityRequests
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
