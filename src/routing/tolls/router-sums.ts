/** What routers tell each other a few times a second: what each has in flight, and who asks it for how much. */

/** An audience in words that mean the same to every router, whatever it has loaded. */
export interface AudienceKey {
  readonly rule: string
  readonly capability?: string
  readonly family?: 4 | 6
  /** Centre of the cell, whole degrees; absent: nothing known. */
  readonly latitude?: number
  readonly longitude?: number
  readonly country?: string
}

export interface AudienceDemand extends AudienceKey {
  readonly requestsPerSecond: number
}

export interface RouterSums {
  /** Requests in flight by region id: those that the router follows to their end, and those that it can only reckon. */
  readonly open: Readonly<Record<string, number>>
  readonly modelled: Readonly<Record<string, number>>
  /** The largest audiences first. */
  readonly demand: readonly AudienceDemand[]
  /** Requests a second of those that are not listed. */
  readonly restPerSecond: number
  /** Requests a second that were sent one by one, and answers a second that stand for several. */
  readonly sentPerSecond: number
  readonly answersPerSecond: number
}
