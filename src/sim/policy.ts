/**
 * What a policy has to bring to be simulated: routers that choose a region, and, where it has such, sums and tolls that they share.
 *
 * The engine plays everything around them: clients, regions, network, store. Cities and regions are numbers, their places in
 * the `World`.
 */

import type { Snapshot } from '../regions/snapshot.ts'
import type { Transport, World } from './world.ts'

export interface Policy {
  readonly name: string
  /** Fresh routers, as many as `world.routers.count`; whatever chance they need comes from `world.seed`. */
  createRouters(world: World): readonly SimulatedRouter[]
}

export interface SimulatedRouter {
  /**
   * The region for a request (by proxy or redirect) or for an answer (`dns`) that this network will use for its lifetime.
   *
   * @param network 0 to `networksPerCity` - 1
   * @param avoid regions that this very request has just found dead; empty for the first choice
   * @returns −1: none, the client is answered 503
   */
  choose(city: number, network: number, transport: Transport, now: number, avoid: readonly number[]): number
  /** A proxied request goes to the region that the last `choose` named; undefined where nobody keeps count. */
  follow?(region: number, now: number): SimulatedFlight | undefined
  /** What this router last read of the fleet; its regions are in the order of the world's. */
  useSnapshot(snapshot: Snapshot, now: number): void
  /** What it tells the others; whatever its `useOthers` and `computeTolls` understand. */
  sums?(now: number): unknown
  /** What the others told of late. */
  useOthers?(sums: readonly unknown[], now: number): void
  /** They cannot be heard for a while. */
  missOthers?(): void
  /** Asked of the leader: tolls by region id, ms, from what all routers told, itself included. */
  computeTolls?(everyone: readonly unknown[], now: number): ReadonlyMap<string, number>
  /** Time passes; called ten times a second. */
  advance?(now: number): void
}

/** A request under way through a router that sees its end. */
export interface SimulatedFlight {
  /**
   * The region was too busy, and wants to be spared for a while. Before `end`.
   *
   * @returns whether the router asks another region for it, or leaves that to the client
   */
  refused?(spareMs: number): boolean
  end(now: number): void
}
