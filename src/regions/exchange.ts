/**
 * How the routers of a fleet work as one: they tell each other of their traffic, and one of them, which leads, sets the tolls
 * for all. Every store has such a place; of a store that one router has for itself, nobody else is there.
 *
 * Every method throws MeridianError STORE_UNAVAILABLE when a shared store cannot be reached in time.
 */

import type { DemandSums, FlightSums } from './router-sums.ts'

/** Who has not told of its requests for so long is taken for gone, ms. */
export const flightsLiveMs = 3_000
/** The same for what it is asked for, which is told less often, ms. */
export const demandLivesMs = 8_000

export interface FleetExchange {
  /**
   * Tells the others of this router, and hears what they told of themselves.
   *
   * @param demand absent: as it was told last
   * @returns of all other routers that live
   */
  share(flights: FlightSums, demand?: DemandSums): Promise<readonly FlightSums[]>
  /** What the other routers are asked for, as they told last: for the one that leads. */
  demands(): Promise<readonly DemandSums[]>
  /**
   * Takes the lead where nobody has it, or keeps it.
   *
   * @param lastsMs unless it is kept again before
   * @returns the term, higher than any before; undefined: another router leads
   */
  lead(lastsMs: number): Promise<number | undefined>
  /**
   * Sets the tolls of the fleet.
   *
   * @param term that `lead` gave
   * @param byRegion milliseconds by region id
   * @returns false where this router does not lead any more in that term; nothing has been set then
   */
  setTolls(term: number, byRegion: ReadonlyMap<string, number>): Promise<boolean>
  /** Lets go of the lead, and takes back what was told: this router stops. */
  leave(): Promise<void>
}
